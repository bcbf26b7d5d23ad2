"""The requests: valid ones of every theme, and what chance makes of them.

A request is (operation, document). Everything follows from the Random given: a seed is a run.
"""
import base64
import copy

TABLES = {"plain": ("S", None), "pair": ("S", "N"), "numbin": ("N", "B"), "idx": ("S", "S")}
WORDS = ["a", "b", "c", "n", "l", "m", "ss", "ns", "bin", "t", "nul"]


def attribute(name, kind):
    return {"AttributeName": name, "AttributeType": kind}


def key(name, kind):
    return {"AttributeName": name, "KeyType": kind}


def create(name):
    hash_type, range_type = TABLES[name]
    body = {"TableName": name, "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [attribute("pk", hash_type)],
            "KeySchema": [key("pk", "HASH")]}
    if range_type:
        body["AttributeDefinitions"].append(attribute("sk", range_type))
        body["KeySchema"].append(key("sk", "RANGE"))
    if name == "idx":
        body["BillingMode"] = "PROVISIONED"
        body["ProvisionedThroughput"] = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
        body["AttributeDefinitions"] += [attribute("a", "S"), attribute("n", "N")]
        body["LocalSecondaryIndexes"] = [
            {"IndexName": "by-n", "KeySchema": [key("pk", "HASH"), key("n", "RANGE")], "Projection": {"ProjectionType": "KEYS_ONLY"}},
            {"IndexName": "by-a", "KeySchema": [key("pk", "HASH"), key("a", "RANGE")], "Projection": {"ProjectionType": "ALL"}}]
        body["GlobalSecondaryIndexes"] = [
            {"IndexName": "g-a", "KeySchema": [key("a", "HASH"), key("n", "RANGE")], "Projection": {"ProjectionType": "ALL"},
             "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}},
            {"IndexName": "g-n", "KeySchema": [key("n", "HASH")],
             "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["c", "m"]},
             "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}}]
    return body


class Workload:
    def __init__(self, random):
        self.random = random

    # --- values

    def number(self):
        r = self.random
        return r.choice(["0", "1", "-1", "2", "10", "3.5", "-0.25", "1e3", "1E-5", "007", "1.50", "99999999999999999999999999999999999999",
                         "0.1e-100", str(r.randrange(100))])

    def value(self, depth=0):
        r = self.random
        kind = r.randrange(13 if depth < 3 else 9)
        if kind < 3:
            return {"S": r.choice(["", "x", "a", "b", "abc", "N", "é", "\U0001f600", "z" * 20])}
        if kind < 5:
            return {"N": self.number()}
        if kind == 5:
            return {"B": base64.b64encode(r.choice([b"", b"a", b"\x00\xff", b"abc"])).decode()}
        if kind == 6:
            return {"BOOL": r.random() < 0.5}
        if kind == 7:
            return {"NULL": True}
        if kind == 8:
            return r.choice([{"SS": ["a", "b"]}, {"SS": ["c"]}, {"NS": ["1", "2", "3"]}, {"NS": ["2"]}, {"BS": ["YQ==", "Yg=="]}])
        if kind < 11:
            return {"L": [self.value(depth + 1) for _ in range(r.randrange(3))]}
        return {"M": {r.choice(["x", "y", "d"]): self.value(depth + 1) for _ in range(r.randrange(3))}}

    def key_value(self, kind):
        r = self.random
        if kind == "S":
            return {"S": r.choice(["k1", "k2", "k3"])}
        if kind == "N":
            return {"N": r.choice(["1", "2", "3", "-1", "10"])}
        return {"B": r.choice(["YQ==", "YWI=", "Yg=="])}

    def key(self, table):
        hash_type, range_type = TABLES[table]
        document = {"pk": self.key_value(hash_type)}
        if range_type:
            document["sk"] = self.key_value(range_type)
        return document

    def item(self, table):
        r = self.random
        item = self.key(table)
        for name in r.sample(WORDS, r.randrange(6)):
            item[name] = self.value()
        if table == "idx":  # mostly fit for the indexes
            if r.random() < 0.9:
                item.pop("a", None), item.pop("n", None)
            if r.random() < 0.7:
                item["a"] = {"S": r.choice(["x", "y", "z"])}
            if r.random() < 0.7:
                item["n"] = {"N": r.choice(["1", "2", "3", "20"])}
        return item

    def table(self):
        return self.random.choice(list(TABLES))

    # --- expressions

    def path(self):
        return self.random.choice(["a", "n", "l", "m", "ss", "ns", "t", "bin", "nul", "nope", "l[0]", "l[1]", "l[9]", "m.x", "m.d.y", "m.x[0]",
                                   "a.b", "#a", "#m.x", "m.#d", "pk", "sk"])

    def operand(self, depth=0):
        r = self.random.random()
        if r < 0.45:
            return self.path()
        if r < 0.9:
            return ":v%d" % self.random.randrange(5)
        return "size(%s)" % self.operand(depth + 1) if depth < 2 else self.path()

    def condition(self, depth=0):
        r = self.random.random()
        if depth < 3:
            if r < 0.15:
                return "%s AND %s" % (self.condition(depth + 1), self.condition(depth + 1))
            if r < 0.28:
                return "%s OR %s" % (self.condition(depth + 1), self.condition(depth + 1))
            if r < 0.35:
                return "NOT %s" % self.condition(depth + 1)
            if r < 0.42:
                return "(%s)" % self.condition(depth + 1)
        r = self.random.random()
        if r < 0.45:
            return "%s %s %s" % (self.operand(), self.random.choice(["=", "<>", "<", "<=", ">", ">="]), self.operand())
        if r < 0.55:
            return "%s BETWEEN %s AND %s" % (self.operand(), self.operand(), self.operand())
        if r < 0.65:
            return "%s IN (%s)" % (self.operand(), ", ".join(self.operand() for _ in range(self.random.randrange(1, 4))))
        return self.random.choice([
            "attribute_exists(%s)" % self.path(), "attribute_not_exists(%s)" % self.path(),
            "begins_with(%s, %s)" % (self.operand(), self.operand()), "contains(%s, %s)" % (self.operand(), self.operand()),
            "attribute_type(%s, :t)" % self.path()])

    def update(self):
        r = self.random
        target = lambda: r.choice(["a", "n", "l", "m", "ss", "ns", "new", "l[0]", "l[5]", "m.x", "m.new", "#a", "nul", "c"])
        def value():
            k = r.random()
            if k < 0.4:
                return ":v%d" % r.randrange(5)
            if k < 0.6:
                return self.path()
            if k < 0.75:
                return "if_not_exists(%s, :v%d)" % (self.path(), r.randrange(5))
            if k < 0.9:
                return "list_append(%s, %s)" % (r.choice(["l", ":l"]), r.choice(["l", ":l", ":v1"]))
            return "%s %s %s" % (r.choice(["n", ":n", "nope"]), r.choice("+-"), r.choice(["n", ":n", ":v1"]))
        clauses = []
        for clause in r.sample(["SET", "REMOVE", "ADD", "DELETE"], r.choice([1, 1, 1, 2])):
            targets = [target() for _ in range(r.choice([1, 1, 2]))]
            if clause == "SET":
                clauses.append("SET " + ", ".join("%s = %s" % (t, value()) for t in targets))
            elif clause == "REMOVE":
                clauses.append("REMOVE " + ", ".join(targets))
            else:
                clauses.append(clause + " " + ", ".join("%s %s" % (t, r.choice([":n", ":s", ":v2"])) for t in targets))
        return " ".join(clauses)

    def fill(self, body, *texts, spare=0.03):
        """The placeholders that the expressions use; sometimes one more, or one less."""
        r = self.random
        joined = " ".join(texts)
        values = {}
        for name in [":v%d" % i for i in range(5)] + [":t", ":n", ":s", ":l", ":pk", ":sk", ":sk2"]:
            if any(word.strip("(),") == name for word in joined.replace("(", " ").replace(")", " ").replace(",", " ").split()):
                values[name] = {":t": {"S": r.choice(["S", "N", "L", "SS", "BOOL", "Q"])}, ":n": {"N": self.number()},
                                ":s": {"SS": ["a", "c"]}, ":l": {"L": [{"N": "1"}]}}.get(name) or self.value()
        names = {n: n[1:] for n in ("#a", "#m", "#d") if n in joined}
        if r.random() < spare:
            values[":spare"] = {"S": "x"}
        if r.random() < spare and values:
            values.pop(r.choice(list(values)))
        if r.random() < spare:
            names["#spare"] = "spare"
        if r.random() < spare and names:
            names.pop(r.choice(list(names)))
        if values:
            body["ExpressionAttributeValues"] = values
        if names:
            body["ExpressionAttributeNames"] = names
        return body

    # --- requests

    def extras(self, body, *names):
        choices = {"ReturnConsumedCapacity": ["TOTAL", "INDEXES", "NONE"], "ReturnItemCollectionMetrics": ["SIZE"],
                   "ReturnValuesOnConditionCheckFailure": ["ALL_OLD"]}
        for name in names:
            if self.random.random() < 0.2:
                body[name] = self.random.choice(choices[name])
        return body

    def put(self):
        table = self.table()
        body = {"TableName": table, "Item": self.item(table)}
        if self.random.random() < 0.3:
            body["ConditionExpression"] = self.condition()
            self.fill(body, body["ConditionExpression"])
        if self.random.random() < 0.2:
            body["ReturnValues"] = self.random.choice(["NONE", "ALL_OLD", "UPDATED_NEW"])
        return "PutItem", self.extras(body, "ReturnConsumedCapacity", "ReturnItemCollectionMetrics", "ReturnValuesOnConditionCheckFailure")

    def get(self):
        table = self.table()
        body = {"TableName": table, "Key": self.key(table)}
        if self.random.random() < 0.4:
            body["ProjectionExpression"] = ", ".join(self.path() for _ in range(self.random.randrange(1, 4)))
            self.fill(body, body["ProjectionExpression"])
        if self.random.random() < 0.3:
            body["ConsistentRead"] = self.random.random() < 0.5
        return "GetItem", self.extras(body, "ReturnConsumedCapacity")

    def change(self):
        table = self.table()
        body = {"TableName": table, "Key": self.key(table), "UpdateExpression": self.update()}
        texts = [body["UpdateExpression"]]
        if self.random.random() < 0.3:
            body["ConditionExpression"] = self.condition()
            texts.append(body["ConditionExpression"])
        self.fill(body, *texts)
        if self.random.random() < 0.6:
            body["ReturnValues"] = self.random.choice(["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"])
        return "UpdateItem", self.extras(body, "ReturnConsumedCapacity", "ReturnItemCollectionMetrics", "ReturnValuesOnConditionCheckFailure")

    def delete(self):
        table = self.table()
        body = {"TableName": table, "Key": self.key(table)}
        if self.random.random() < 0.5:
            body["ConditionExpression"] = self.condition()
            self.fill(body, body["ConditionExpression"])
        if self.random.random() < 0.4:
            body["ReturnValues"] = self.random.choice(["NONE", "ALL_OLD"])
        return "DeleteItem", self.extras(body, "ReturnConsumedCapacity", "ReturnItemCollectionMetrics", "ReturnValuesOnConditionCheckFailure")

    def select(self, body, table):
        r = self.random
        texts = []
        if r.random() < 0.3:
            body["FilterExpression"] = self.condition()
            texts.append(body["FilterExpression"])
        if r.random() < 0.25:
            body["ProjectionExpression"] = ", ".join(self.path() for _ in range(r.randrange(1, 3)))
            texts.append(body["ProjectionExpression"])
        if r.random() < 0.2:
            body["Select"] = r.choice(["COUNT", "ALL_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"])
        if r.random() < 0.2:
            body["ConsistentRead"] = r.random() < 0.7
        return texts

    def query(self):
        r = self.random
        table = self.table()
        hash_type, range_type = TABLES[table]
        body = {"TableName": table}
        hash_name, range_name = "pk", "sk"
        if table == "idx" and r.random() < 0.8:
            body["IndexName"] = r.choice(["by-n", "by-a", "g-a", "g-n", "none"])
            hash_name, range_name, hash_type, range_type = {
                "by-n": ("pk", "n", "S", "N"), "by-a": ("pk", "a", "S", "S"), "g-a": ("a", "n", "S", "N"),
                "g-n": ("n", None, "N", None), "none": ("pk", "sk", "S", "S")}[body["IndexName"]]
        values = {":pk": {"S": r.choice(["x", "y", "z"])} if hash_name == "a" else self.key_value(hash_type)}
        condition = hash_name + " = :pk"
        if range_type and r.random() < 0.6:
            values[":sk"] = {"S": r.choice(["x", "k"])} if range_type == "S" else self.key_value(range_type)
            form = r.choice(["= :sk", "< :sk", "<= :sk", "> :sk", ">= :sk", "between", "begins"])
            if form == "between":
                values[":sk2"] = self.key_value(range_type)
                condition += " AND %s BETWEEN :sk AND :sk2" % range_name
            elif form == "begins":
                condition += " AND begins_with(%s, :sk)" % range_name
            else:
                condition += " AND %s %s" % (range_name, form)
        body["KeyConditionExpression"] = condition
        texts = self.select(body, table)
        self.fill(body, *texts)
        body.setdefault("ExpressionAttributeValues", {}).update(values)
        if r.random() < 0.3:
            body["ScanIndexForward"] = r.random() < 0.5
        if r.random() < 0.3:
            body["Limit"] = r.randrange(1, 4)
        return "Query", self.extras(body, "ReturnConsumedCapacity")

    def scan(self):
        r = self.random
        table = self.table()
        body = {"TableName": table}
        if table == "idx" and r.random() < 0.6:
            body["IndexName"] = r.choice(["by-n", "by-a", "g-a", "g-n", "none"])
        self.fill(body, *self.select(body, table))
        if r.random() < 0.05:
            body["Segment"], body["TotalSegments"] = r.choice([(0, 1), (1, 1), (0, 0), (-1, 2)])
        return "Scan", self.extras(body, "ReturnConsumedCapacity")

    def batch_get(self):
        r = self.random
        requests = {}
        for table in r.sample(list(TABLES), r.randrange(1, 3)):
            requests[table] = {"Keys": [self.key(table) for _ in range(r.randrange(1, 3))]}
            if r.random() < 0.3:
                requests[table]["ProjectionExpression"] = self.path()
                self.fill(requests[table], requests[table]["ProjectionExpression"])
        return "BatchGetItem", self.extras({"RequestItems": requests}, "ReturnConsumedCapacity")

    def batch_write(self):
        r = self.random
        requests = {}
        for table in r.sample(list(TABLES), r.randrange(1, 3)):
            requests[table] = [{"PutRequest": {"Item": self.item(table)}} if r.random() < 0.7 else {"DeleteRequest": {"Key": self.key(table)}}
                               for _ in range(r.randrange(1, 3))]
        return "BatchWriteItem", self.extras({"RequestItems": requests}, "ReturnConsumedCapacity", "ReturnItemCollectionMetrics")

    def transact_write(self):
        r = self.random
        actions = []
        for _ in range(r.randrange(1, 4)):
            kind = r.choice([self.put, self.change, self.delete, self.delete])
            operation, body = kind()
            for name in ("ReturnValues", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics"):
                body.pop(name, None)
            name = operation[:-4]
            if name == "Delete" and "ConditionExpression" in body and r.random() < 0.5:
                name = "ConditionCheck"
            actions.append({name: body})
        return "TransactWriteItems", self.extras({"TransactItems": actions}, "ReturnConsumedCapacity", "ReturnItemCollectionMetrics")

    def transact_get(self):
        actions = []
        for _ in range(self.random.randrange(1, 4)):
            _, body = self.get()
            body.pop("ConsistentRead", None), body.pop("ReturnConsumedCapacity", None)
            actions.append({"Get": body})
        return "TransactGetItems", self.extras({"TransactItems": actions}, "ReturnConsumedCapacity")

    def legacy(self):
        r = self.random
        table = self.table()
        operator = lambda: r.choice(["EQ", "NE", "LE", "LT", "GE", "GT", "NOT_NULL", "NULL", "CONTAINS", "NOT_CONTAINS", "BEGINS_WITH", "IN", "BETWEEN"])
        count = {"NOT_NULL": [0], "NULL": [0], "BETWEEN": [2], "IN": [1, 2]}
        def condition():
            name = operator()
            body = {"ComparisonOperator": name}
            values = [self.value(3) for _ in range(r.choice(count.get(name, [1])) if r.random() < 0.95 else r.randrange(3))]
            if values:
                body["AttributeValueList"] = values
            return body
        def conditions():
            return {n: condition() for n in r.sample(["a", "n", "l", "ss", "t", "nope"], r.choice([1, 1, 2]))}
        form = r.randrange(6)
        if form == 0:
            body = {"TableName": table, "Item": self.item(table), "Expected": {
                n: r.choice([{"Exists": False}, {"Value": self.value()}, {"Exists": True, "Value": self.value()}, {"Exists": True}, condition()])
                for n in r.sample(["a", "n", "nope"], r.choice([1, 2]))}}
            operation = "PutItem"
        elif form == 1:
            body = {"TableName": table, "Key": self.key(table), "ReturnValues": "ALL_NEW", "AttributeUpdates": {}}
            for name in r.sample(["a", "n", "l", "ss", "ns", "new"], r.choice([1, 2])):
                action = r.choice(["PUT", "ADD", "DELETE"])
                body["AttributeUpdates"][name] = {"Action": action}
                if action != "DELETE" or r.random() < 0.5:
                    body["AttributeUpdates"][name]["Value"] = r.choice([self.value(), {"N": "2"}, {"SS": ["a", "q"]}])
            operation = "UpdateItem"
        elif form == 2:
            body = {"TableName": table, "Key": self.key(table), "Expected": conditions()}
            operation = "DeleteItem"
        elif form == 3:
            body = {"TableName": table, "ScanFilter": conditions()}
            operation = "Scan"
        elif form == 4:
            hash_type, range_type = TABLES[table]
            body = {"TableName": table, "KeyConditions": {"pk": {"ComparisonOperator": "EQ", "AttributeValueList": [self.key_value(hash_type)]}}}
            if range_type and r.random() < 0.5:
                body["KeyConditions"]["sk"] = {"ComparisonOperator": r.choice(["EQ", "LT", "GE", "BEGINS_WITH", "NE"]),
                                               "AttributeValueList": [self.key_value(range_type)]}
            if r.random() < 0.4:
                body["QueryFilter"] = conditions()
            operation = "Query"
        else:
            body = {"TableName": table, "Key": self.key(table), "AttributesToGet": r.sample(["a", "n", "l", "pk", "nope"], 2)}
            operation = "GetItem"
        if r.random() < 0.2 and operation != "GetItem":
            body["ConditionalOperator"] = r.choice(["AND", "OR"])
        return operation, body

    def valid(self):
        return self.random.choice([self.put, self.put, self.put, self.get, self.change, self.change, self.change, self.delete, self.query, self.query,
                                   self.scan, self.batch_get, self.batch_write, self.transact_write, self.transact_get, self.legacy, self.legacy])()

    # --- bad ones

    def odd(self):
        r = self.random
        return r.choice(["", "x", "x" * 300, 0, -1, 1, 2.5, 1 << 40, True, False, None, [], {}, [None], [[]], {"S": "x"}, {"S": 1}, {"N": "abc"},
                         {"N": ""}, {"N": "1e999"}, {"SS": []}, {"SS": ["a", "a"]}, {"NS": ["1", "1.0"]}, {"B": "!"}, {"BOOL": "true"},
                         {"NULL": False}, {"S": "a", "N": "1"}, {"Q": "x"}, {"M": {"x": {}}}, {"L": [{}]}, {}, "a..b", "table!", "ab"])

    def mutated(self, operation, body):
        """One place of the request taken away, made odd, or doubled under another name."""
        body = copy.deepcopy(body)
        places = []

        def walk(node):
            if isinstance(node, dict):
                for k in node:
                    places.append((node, k))
                    walk(node[k])
            elif isinstance(node, list):
                for i in range(len(node)):
                    places.append((node, i))
                    walk(node[i])
        walk(body)
        if not places:
            return operation, {self.random.choice(["Limit", "TableName"]): self.odd()}
        node, place = self.random.choice(places)
        kind = self.random.random()
        if kind < 0.3:
            del node[place]
        elif kind < 0.75:
            node[place] = self.odd()
        elif kind < 0.85 and isinstance(node, dict):
            node[self.random.choice(["Extra", "pk", "a", "TableName", "Limit", "Select"])] = node.pop(place)
        elif isinstance(node, list):
            node.append(copy.deepcopy(node[place]))
        elif isinstance(node[place], str) and node[place]:
            at = self.random.randrange(len(node[place]))
            node[place] = node[place][:at] + self.random.choice(["", " ", "#", ":", "(", ")", ",", "."]) + node[place][at + 1:]
        else:
            node[place] = self.odd()
        return operation, body

    def table_request(self):
        r = self.random
        name = "table-%d" % r.randrange(6)
        choice = r.randrange(8)
        if choice < 3:
            body = create(self.table())
            body["TableName"] = name
            return "CreateTable", body
        if choice == 3:
            return "DeleteTable", {"TableName": name}
        if choice == 4:
            return "DescribeTable", {"TableName": name}
        if choice == 5:
            return "ListTables", r.choice([{}, {"Limit": r.randrange(1, 4)}, {"ExclusiveStartTableName": name}])
        return "UpdateTable", r.choice([
            {"TableName": name, "BillingMode": "PROVISIONED", "ProvisionedThroughput": {"ReadCapacityUnits": 2, "WriteCapacityUnits": 3}},
            {"TableName": name, "BillingMode": "PAY_PER_REQUEST"},
            {"TableName": name, "ProvisionedThroughput": {"ReadCapacityUnits": 2, "WriteCapacityUnits": 2}},
            {"TableName": name, "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}},
            {"TableName": name, "StreamSpecification": {"StreamEnabled": False}},
            {"TableName": name, "DeletionProtectionEnabled": True}, {"TableName": name, "DeletionProtectionEnabled": False},
            {"TableName": name}])
