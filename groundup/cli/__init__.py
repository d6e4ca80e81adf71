"""cli: one command, `groundup`, with a handful of verbs; thin: parse, call the room, print.

main.py      the screen, the table of verbs, errors to exit codes
VERB.py      one file a verb: ``HELP``, ``add_arguments(parser)``, ``run(arguments) -> exit code``
output.py    results on stdout, as text or as JSON
"""
