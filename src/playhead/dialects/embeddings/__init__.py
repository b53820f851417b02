"""Embeddings: texts to vectors, by the wire of each provider; pure codecs, both ways, as the dialects are.

| module | holds |
|---|---|
| base | what is asked and answered, in no provider's words; what a wire gives; what every vector is held to |
| openai | ``{base}/embeddings``, which most servers speak |
| gemini | ``:batchEmbedContents`` of AI Studio and Vertex AI, ``:predict`` of Vertex AI |
| bedrock | Amazon's InvokeModel, with the bodies of Titan and of Cohere |

Which provider speaks which is in :mod:`playhead.providers.embeddings`. A refusal is read by the dialect that the
provider speaks anyway.
"""
