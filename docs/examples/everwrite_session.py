"""Read your own writes in any region, with boto3.

    session = EverwriteSession()
    here, there = session.attach(client_of_us), session.attach(client_of_eu)
    here.put_item(...)
    there.get_item(...)        # waits until eu has what `here` wrote or read

One session is one thread of cause and effect: a user's, a request's. Hand `session.tokens` on, for example in a
cookie, and a session goes on in another process.
"""


class EverwriteSession:
    def __init__(self, tokens=()):
        self.tokens = list(tokens)

    def attach(self, client):
        client.meta.events.register("before-call.dynamodb", self._before)
        client.meta.events.register("after-call.dynamodb", self._after)
        return client

    def _before(self, params, context, **_):
        context["everwrite_sent"] = sent = self.tokens[-8:]
        if sent:
            params["headers"]["x-everwrite-session"] = ",".join(sent)

    def _after(self, http_response, context, **_):
        token = http_response.headers.get("x-everwrite-session")
        if token:  # it covers what was sent
            sent = context.get("everwrite_sent", [])
            self.tokens = [t for t in self.tokens if t not in sent and t != token] + [token]
