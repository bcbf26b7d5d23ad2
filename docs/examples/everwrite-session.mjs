// Read your own writes in any region, with the AWS SDK for JavaScript v3.
//
//   const session = new EverwriteSession();
//   const here = session.attach(clientOfUs), there = session.attach(clientOfEu);
//   await here.send(new PutItemCommand(...));
//   await there.send(new GetItemCommand(...));   // waits until eu has what `here` wrote or read
//
// One session is one thread of cause and effect: a user's, a request's. Hand `session.tokens` on, for example in a
// cookie, and a session goes on in another process.
export class EverwriteSession {
  constructor(tokens = []) {
    this.tokens = tokens;
  }

  attach(client) {
    client.middlewareStack.add(
      (next) => async (args) => {
        const sent = this.tokens.slice(-8);
        if (sent.length) args.request.headers["x-everwrite-session"] = sent.join(",");
        const result = await next(args);
        const token = result.response.headers["x-everwrite-session"];
        // It covers what was sent.
        if (token) this.tokens = [...this.tokens.filter((t) => !sent.includes(t) && t !== token), token];
        return result;
      },
      { step: "build", name: "everwriteSession" });
    return client;
  }
}
