"""Stage 2: raw documents -> clean documents; every change and every drop counted, sampled, with its reason.

options.CleanOptions     the [clean] table of the recipe
stage.run                the front door: shards through the steps
base.Step, base.STEPS    the contract of a step and the registry

html, text, boilerplate, quality, language, duplicates, privacy     one file a step
filters/                 the rules behind quality: gopher, repetition, c4, fineweb
statement.py             what the clean corpus is, in numbers (clean.json, "statement")
near.py                  MinHash and LSH behind duplicates
"""
