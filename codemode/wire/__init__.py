"""What the host and a worker say to each other: frames, messages, codec and the rules of the conversation.

Sans-IO throughout: bytes in, messages out. Both ends use it; `validation` is for the host alone, for it loads
pydantic.
"""
