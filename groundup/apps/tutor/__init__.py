"""Tutor, first slice: exercises whose keys are correct by construction, and short answers graded with doubt.

app (the library call) <- exercises (arithmetic, cloze), grading (correct, contradictory, incorrect, or ask a teacher),
evaluate (SemEval-2013 Task 7).
"""

from groundup.core.registry import lazy

__getattr__, __dir__ = lazy(__name__, {"Tutor": ".app", "TutorOptions": ".options", "grade": ".grading"})
