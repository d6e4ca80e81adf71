"""Learning with differential privacy (DP-SGD, Abadi et al. 2016): whoever sees the model can hardly tell whether one row
was learned from.

accountant.py  noise and steps -> epsilon       sampling.py   each row by its own coin (Poisson)
ghost.py       norms of each row's gradient without the gradients      step.py   clip, add noise; the slow twin
"""
