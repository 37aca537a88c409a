-- Search in PostgreSQL: passages with their words, their vectors beside them (a row of both would be cut into
-- pieces), and of each bot how many passages each word stands in.
CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE IF NOT EXISTS salesgraph_passages (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  bot_id text NOT NULL,
  document_id text NOT NULL,
  document text NOT NULL,
  language text NOT NULL,
  page integer NOT NULL,
  table_row integer NOT NULL,
  heading text NOT NULL,
  body text NOT NULL,
  length integer NOT NULL,
  words tsvector NOT NULL
);
CREATE INDEX IF NOT EXISTS salesgraph_passages_document ON salesgraph_passages (bot_id, document_id);
CREATE INDEX IF NOT EXISTS salesgraph_passages_words ON salesgraph_passages USING gin (words) WITH (fastupdate = off);
CREATE TABLE IF NOT EXISTS salesgraph_vectors (
  id bigint PRIMARY KEY REFERENCES salesgraph_passages ON DELETE CASCADE,
  bot_id text NOT NULL,
  -- by which some are drawn from all of a bot's
  drawn integer NOT NULL,
  embedding vector NOT NULL
);
ALTER TABLE salesgraph_vectors ALTER COLUMN embedding SET STORAGE PLAIN;
CREATE INDEX IF NOT EXISTS salesgraph_vectors_drawn ON salesgraph_vectors (bot_id, drawn);
CREATE TABLE IF NOT EXISTS salesgraph_words (
  bot_id text NOT NULL,
  word text NOT NULL,
  passages integer NOT NULL,
  PRIMARY KEY (bot_id, word)
);
CREATE TABLE IF NOT EXISTS salesgraph_bots (
  bot_id text PRIMARY KEY,
  passages bigint NOT NULL,
  length bigint NOT NULL,
  -- another after each change
  version uuid NOT NULL,
  languages text[] NOT NULL
);
