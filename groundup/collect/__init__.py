"""Stage 1: the world -> raw documents, with their source, licence, date and path kept.

    options.SourceOptions     one [collect.NAME] table of the recipe
    stage.run                 the front door: every source -> shards of documents
    files.documents_of        walks files, folders and archives; reads standard input
    web.documents_of_site     a polite crawler; fetch.Fetcher is its one safe way to the network
    formats/                  one file per format; FORMATS is the registry by suffix
    samples/                  worlds made by rules, every fact known

A file that cannot be used is one line in ``problems.jsonl`` and skipped, never fatal, never silent.
"""
