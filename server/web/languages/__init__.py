"""The pages in the language and the time zone of whoever looks at them. `CODE.po` beside this file is a
language; English stands in the sources."""
