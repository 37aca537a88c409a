"""Search engines: in the memory of each process, PostgreSQL, and any of LangChain's vector stores."""
