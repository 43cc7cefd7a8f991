"""Types of models whose layers are one dense MLP each."""

_NAMES = """
    gpt2 gpt_bigcode gpt_neo gptj codegen gpt_neox gpt_neox_japanese bloom falcon mpt opt xglm biogpt
    llama mistral ministral qwen2 qwen3 gemma gemma2 gemma3_text phi3 smollm3 stablelm olmo olmo2 olmo3
    cohere cohere2 granite glm glm4 exaone4 helium nemotron phi starcoder2 persimmon
"""

DENSE = tuple(_NAMES.split())
