"""Readers of file formats, one module a family. Each returns a `Source`: pages, tables, and all text there is
to count against. They run in the guarded process of `knowledge_base.reading`."""
