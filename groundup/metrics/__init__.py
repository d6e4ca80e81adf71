"""Metrics: plain functions over lists, each with its formula and source; intervals and paired tests. No torch.

classification   accuracy, precision, recall, F1 (binary, micro, macro), Matthews correlation, weighted kappa
spans            F1 over entity spans and over token labels
fields           F1 over the fields of extracted records
answers          exact match and token F1 as SQuAD counts them
summary_overlap  ROUGE
word_overlap     BLEU
character_overlap    chrF
edits            edit distance, word error rate
likelihood       perplexity, bits per byte
calibration      expected calibration error, Brier score, pass@k
confidence       temperature scaling, risk and coverage, the confidence from which on to answer
fairness         group fairness of classifiers: parity, opportunity, odds
ranking          nDCG, MRR, recall and average precision at k
intervals        bootstrap and Wilson intervals
paired           is the difference between two systems real?
"""

from groundup.core.registry import lazy

__getattr__, __dir__ = lazy(
    __name__,
    {
        "accuracy": ".classification",
        "confusion": ".classification",
        "precision_recall_f1": ".classification",
        "f1": ".classification",
        "matthews": ".classification",
        "quadratic_kappa": ".classification",
        "span_f1": ".spans",
        "token_label_f1": ".spans",
        "field_counts": ".fields",
        "field_f1": ".fields",
        "f1_by_field": ".fields",
        "record_match": ".fields",
        "rouge_l_sum": ".summary_overlap",
        "normalize_answer": ".answers",
        "exact_match": ".answers",
        "token_f1": ".answers",
        "rouge": ".summary_overlap",
        "rouge_n": ".summary_overlap",
        "rouge_l": ".summary_overlap",
        "bleu": ".word_overlap",
        "chrf": ".character_overlap",
        "edit_distance": ".edits",
        "word_error_rate": ".edits",
        "perplexity": ".likelihood",
        "bits_per_byte": ".likelihood",
        "calibration_error": ".calibration",
        "brier": ".calibration",
        "pass_at_k": ".calibration",
        "demographic_parity": ".fairness",
        "equal_opportunity": ".fairness",
        "equalised_odds": ".fairness",
        "ndcg": ".ranking",
        "reciprocal_rank": ".ranking",
        "recall_at": ".ranking",
        "average_precision": ".ranking",
        "temperature": ".confidence",
        "equal_mass_error": ".confidence",
        "risk_coverage": ".confidence",
        "area_under_risk": ".confidence",
        "answer_from": ".confidence",
        "bootstrap": ".intervals",
        "wilson": ".intervals",
        "binomial_tail": ".intervals",
        "paired_test": ".paired",
        "paired_bootstrap": ".paired",
        "mcnemar": ".paired",
    },
)
