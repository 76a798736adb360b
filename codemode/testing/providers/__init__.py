"""Fake servers of the four model APIs, on this machine: they play a script, and refuse a history as the real ones do.

```python
with FakeProvider("anthropic", replies=[Reply(calls=[Call("get_weather", {"city": "Oslo"})]), "It rains."]) as provider:
    client = anthropic.Anthropic(base_url=provider.base_url, api_key="none")
    ...
assert provider.refused == []
```
"""

from codemode.testing.providers.forms import Call, Reply
from codemode.testing.providers.server import FakeProvider, Request

__all__ = ["Call", "FakeProvider", "Reply", "Request"]
