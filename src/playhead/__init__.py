"""playhead: LLM agents on tape."""
