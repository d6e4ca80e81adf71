"""Core: the nouns and rules of the whole house. Every room imports from here; nothing here imports a room. No torch.

document, example, score    what flows
manifest, stage, files      folders that are finished or not, and how they get there
recipe, registry            options, validated; exchangeable parts by name
split, randomness           who is held out; seeds
errors, console             what people read
"""
