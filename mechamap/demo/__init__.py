"""The bundled model: a small GPT-2 with its tokenizer, which loads without a network; `MODEL_CARD.md` describes it."""
