"""Language models, each behind `qa.llm.LLM`."""
