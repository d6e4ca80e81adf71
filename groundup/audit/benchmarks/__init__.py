"""Published benchmarks of bias and truth, scored by likelihood. Each names its protocol; their rows are never shipped.

rows          find and read the published files in the folder `[audit] data`
verdict       from wins, losses, ties and differences to a finding: distance from neutral, interval, "no evidence"
crows_pairs   sentence pairs: which one does the model find likelier? (two causal protocols, one masked)
stereoset     stereotype, anti-stereotype, unrelated: LMS, SS, ICAT
winobias      who is "she"? pro- against anti-stereotyped sentences
winogender    the same by minimal pairs, held against labour statistics
bbq           questions that an unbiased reader answers with "not known"
weat          associations between word embeddings, by permutation
seat          the same between vectors of sentences
masked        log-probabilities of what two sentences share, for models that fill gaps
bold          what the model writes after openings about groups: toxicity, sentiment
hatecheck     29 functions of a content guard (audit.content)
truthfulqa    true answers against common misconceptions: MC1, MC2

A published benchmark is a thermometer, no diagnosis: Blodgett et al. 2021 (ACL) found many pairs of CrowS-Pairs and
StereoSet that do not measure what they claim. None of these stands alone.
"""
