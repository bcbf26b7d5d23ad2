"""A consumer of a DynamoDB stream with boto3 that may go on in another region, losing and repeating nothing.

    consumer = StreamConsumer(us, "orders")      # us = boto3.client("dynamodbstreams", ...)
    for record in consumer.poll():
        ...
    place = consumer.place()                     # text, to be kept with what became of the records
    consumer.move_to(eu)                         # from here on in another region
    consumer = StreamConsumer(eu, "orders", place)   # or so, after a restart, in any region

It needs nothing but boto3: a shard iterator is a position that all regions of a cluster understand, and
GetShardIterator takes it as the SequenceNumber (docs/streams.md).
"""


class StreamConsumer:
    def __init__(self, client, table, place=""):
        self.table, self.came_with = table, place
        self._enter(client)

    def _enter(self, client):
        self.client = client
        self.iterators = {}   # the last one of each shard that was begun here
        self.events = {}      # shard -> log -> id of the last record since that iterator
        self.ended = set()
        self.all_begun = False

    def move_to(self, client):
        """Goes on in the region of another client."""
        self.came_with = self.place()
        self._enter(client)

    def place(self):
        """Everything that poll() has given out, as text."""
        # As long as not all of this region's shards have been begun, what we came with says more than they do.
        parts = [] if self.all_begun else [self.came_with]
        for shard, iterator in self.iterators.items():
            parts.append("+".join([iterator, *self.events.get(shard, {}).values()]))
        return ",".join(part for part in parts if part)

    def poll(self, limit=1000):
        """The records that come next, shard by shard; none when there are none now."""
        for shard in self._readable():
            try:
                page = self.client.get_records(ShardIterator=self.iterators[shard], Limit=limit)
            except self.client.exceptions.ExpiredIteratorException:
                self.iterators[shard] = self._iterator(shard, self.iterators[shard])
                continue
            had, ahead = self.events.setdefault(shard, {}), False
            for record in page["Records"]:
                log, event = record["eventID"][:16], record["eventID"]
                ahead = event > had.get(log, "")  # else it was given out before somebody stopped in the middle of a page
                if ahead:
                    had[log] = event
                    yield record
            if page.get("NextShardIterator"):
                self.iterators[shard] = page["NextShardIterator"]
                if ahead:
                    had.clear()  # the iterator says it all
            else:
                self.ended.add(shard)

    def _readable(self):
        """The shards to read now: a child when its parent has been read to the end."""
        streams = self.client.list_streams(TableName=self.table)["Streams"]
        if not streams:
            return []
        self.arn = max(streams, key=lambda stream: stream["StreamLabel"])["StreamArn"]
        shards, more = [], {}
        while True:
            description = self.client.describe_stream(StreamArn=self.arn, **more)["StreamDescription"]
            shards += description["Shards"]
            if "LastEvaluatedShardId" not in description:
                break
            more = {"ExclusiveStartShardId": description["LastEvaluatedShardId"]}
        held = {shard["ShardId"] for shard in shards}
        gone = set(self.iterators) - held  # trimmed: a day has passed, and its children have been begun
        if gone - self.ended:
            # Not read to its end: the region was filled anew. As if we came from elsewhere: it goes on with what we
            # have not had, or says that it has not got it (TrimmedDataAccessException; another region has).
            self.move_to(self.client)
        for shard in gone & set(self.iterators):
            del self.iterators[shard]
        begun = {}  # all or none: half a region's shards beside what we came with would only make the place longer
        for shard in shards:
            number, parent = shard["ShardId"], shard.get("ParentShardId")
            if number not in self.ended and number not in self.iterators and (parent not in held or parent in self.ended):
                begun[number] = self._iterator(number, self.came_with)
        for shard in shards:
            if shard["ShardId"] in begun:  # it says all that its parent said (the halves of a parent come at once)
                self.iterators.pop(shard.get("ParentShardId"), None)
        self.iterators.update(begun)
        self.all_begun = True
        return [shard for shard in self.iterators if shard not in self.ended]

    def _iterator(self, shard, place):
        start = dict(ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=place) if place else dict(ShardIteratorType="TRIM_HORIZON")
        return self.client.get_shard_iterator(StreamArn=self.arn, ShardId=shard, **start)["ShardIterator"]
