-- Search in PostgreSQL: passages with the words they hold, their vectors beside them (a row of both would be cut
-- into pieces), and of each bot its words and how many passages each stands in.
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
  -- the numbers of its words: a number is one bot's, so no other bot's passages are looked through
  words tsvector NOT NULL
);
CREATE TABLE IF NOT EXISTS salesgraph_vectors (
  id bigint PRIMARY KEY REFERENCES salesgraph_passages ON DELETE CASCADE,
  bot_id text NOT NULL,
  -- by which some are drawn from all of a bot's
  drawn integer NOT NULL,
  embedding vector NOT NULL
);
CREATE TABLE IF NOT EXISTS salesgraph_words (
  bot_id text NOT NULL,
  word text NOT NULL,
  passages integer NOT NULL,
  PRIMARY KEY (bot_id, word)
);
CREATE TABLE IF NOT EXISTS salesgraph_documents (
  bot_id text NOT NULL,
  document_id text NOT NULL,
  language text NOT NULL,
  passages integer NOT NULL,
  -- of all its passages, in words
  length bigint NOT NULL,
  PRIMARY KEY (bot_id, document_id)
);
CREATE TABLE IF NOT EXISTS salesgraph_bots (
  bot_id text PRIMARY KEY,
  passages bigint NOT NULL,
  length bigint NOT NULL,
  -- another after each change
  version uuid NOT NULL,
  languages text[] NOT NULL
);
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_attribute
                 WHERE attrelid = 'salesgraph_passages'::regclass AND attname = 'times') THEN
    ALTER TABLE salesgraph_vectors ALTER COLUMN embedding SET STORAGE PLAIN;
    ALTER TABLE salesgraph_words ADD COLUMN number integer GENERATED ALWAYS AS IDENTITY UNIQUE;
    -- how often each of its words stands in it: number and times, 4 and 2 bytes, one after the other; taking
    -- that from a tsvector costs ten times as much
    ALTER TABLE salesgraph_passages ADD COLUMN times bytea NOT NULL DEFAULT '';
    ALTER TABLE salesgraph_passages ALTER COLUMN times SET STORAGE MAIN;
    -- an older form had the words themselves after 13 signs that stood for the bot
    UPDATE salesgraph_passages p SET (words, times) = (
      SELECT array_to_tsvector(coalesce(array_agg(w.number::text), '{}')),
             coalesce(string_agg(int4send(w.number) || int2send(cardinality(u.positions)::int2), ''), '')
      FROM unnest(p.words) u JOIN salesgraph_words w ON w.bot_id = p.bot_id AND w.word = substr(u.lexeme, 14));
    INSERT INTO salesgraph_documents
      SELECT bot_id, document_id, max(language), count(*), sum(length) FROM salesgraph_passages GROUP BY 1, 2;
  END IF;
END $$;
CREATE INDEX IF NOT EXISTS salesgraph_passages_document ON salesgraph_passages (bot_id, document_id);
CREATE INDEX IF NOT EXISTS salesgraph_passages_words ON salesgraph_passages USING gin (words) WITH (fastupdate = off);
CREATE INDEX IF NOT EXISTS salesgraph_vectors_drawn ON salesgraph_vectors (bot_id, drawn);
