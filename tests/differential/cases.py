"""Hand-picked requests: the edges that chance does not find. In order: later ones meet what earlier ones wrote."""

S, N = (lambda x: {"S": x}), (lambda x: {"N": x})


def put(item, **more):
    return "PutItem", {"TableName": "plain", "Item": dict({"pk": S("case")}, **item), **more}


def numbers():
    for text in ["0", "-0", "0.0", "00012", "1.", ".5", "+5", "1e5", "1E+5", "1e-5", "1e125", "9.9999999999999999999999999999999999999e125",
                 "1e126", "-1e126", "1e-130", "9e-131", "1e-131", "-1e-130", "12345678901234567890123456789012345678",
                 "123456789012345678901234567890123456789", "1.2345678901234567890123456789012345678",
                 "0.00000000000000000000000000000000000000000000000000123", "100000000000000000000000000000000000000000000000", "NaN",
                 "Infinity", "1,5", " 1", "1 ", "0x10", "1_000", "", "e5", "1e", "--1", "1e5.5"]:
        yield put({"n": N(text)})
        yield "GetItem", {"TableName": "plain", "Key": {"pk": S("case")}}
        yield put({"n": {"NS": [text, "7"]}})
        yield "PutItem", {"TableName": "numbin", "Item": {"pk": N(text), "sk": {"B": "YQ=="}}}
    yield put({"n": {"NS": ["1", "1.0"]}})
    yield put({"n": {"NS": ["10", "1e1"]}})
    for a, b in [("1", "2"), ("9" * 38, "1"), ("1e125", "9e125"), ("0.1", "0.2"), ("1e-130", "-1e-130"), ("5", "-5"), ("1e38", "1"),
                 ("1e37", "1"), ("0.1e-100", "1")]:
        yield put({"n": N(a)})
        for sign in "+-":
            yield "UpdateItem", {"TableName": "plain", "Key": {"pk": S("case")}, "UpdateExpression": "SET r = n %s :b" % sign,
                                 "ExpressionAttributeValues": {":b": N(b)}, "ReturnValues": "ALL_NEW"}
        yield "UpdateItem", {"TableName": "plain", "Key": {"pk": S("case")}, "UpdateExpression": "ADD n :b",
                             "ExpressionAttributeValues": {":b": N(b)}, "ReturnValues": "ALL_NEW"}


def values():
    nested = S("x")
    for depth in range(1, 34):
        nested = {"L": [nested]} if depth % 2 else {"M": {"a": nested}}
        if depth > 29:
            yield put({"v": nested})
    for value in [S(""), {"B": ""}, {"SS": [""]}, {"BS": [""]}, {"SS": []}, {"NS": []}, {"BS": []}, {"L": []}, {"M": {}}, {"M": {"": S("x")}},
                  {"SS": ["a", "a"]}, {"BS": ["YQ==", "YQ=="]}, {"NULL": True}, {"NULL": False}, {"BOOL": True}, {}, {"S": "a", "N": "1"},
                  {"SS": ["a", "b", "c"]}, {"B": "YQ"}, {"B": "Y!=="}, {"L": [{}]}, {"M": {"x": {}}}, {"L": [{"SS": []}]},
                  {"M": {"x": {"NS": ["1", "1"]}}}, S("é漢\U0001f600"), {"S": None}, {"X": "y"}]:
        yield put({"v": value})
        yield "GetItem", {"TableName": "plain", "Key": {"pk": S("case")}}
    yield put({"": S("x")})
    yield put({"a" * 65535: S("x")})
    yield put({"a" * 65536: S("x")})


def sizes():
    overhead = len("pk") + len("case") + len("v")
    for size in (400 * 1024 - overhead - 1, 400 * 1024 - overhead, 400 * 1024 - overhead + 1):
        yield put({"v": S("x" * size)}, ReturnConsumedCapacity="TOTAL")
    yield "UpdateItem", {"TableName": "plain", "Key": {"pk": S("case")}, "UpdateExpression": "SET w = :w",
                         "ExpressionAttributeValues": {":w": S("y" * 10)}}
    yield "DeleteItem", {"TableName": "plain", "Key": {"pk": S("case")}}
    for length in (2048, 2049):
        yield "PutItem", {"TableName": "plain", "Item": {"pk": S("k" * length)}}
        yield "GetItem", {"TableName": "plain", "Key": {"pk": S("k" * length)}}
        yield "DeleteItem", {"TableName": "plain", "Key": {"pk": S("k" * length)}}
    for key in [S(""), N("1"), {"B": "YQ=="}, {"BOOL": True}, {"NULL": True}, {"L": []}]:
        for operation in ("GetItem", "DeleteItem"):
            yield operation, {"TableName": "plain", "Key": {"pk": key}}
        yield "PutItem", {"TableName": "plain", "Item": {"pk": key}}
    for size in (1023, 1024, 1025, 4096, 4097, 8192):
        yield put({"v": S("x" * (size - overhead))}, ReturnConsumedCapacity="TOTAL")
        for consistent in (True, False):
            yield "GetItem", {"TableName": "plain", "Key": {"pk": S("case")}, "ConsistentRead": consistent, "ReturnConsumedCapacity": "TOTAL"}
    yield "DeleteItem", {"TableName": "plain", "Key": {"pk": S("case")}, "ReturnConsumedCapacity": "TOTAL"}


def pages():
    """1 MB a page."""
    for i in range(9):
        yield "PutItem", {"TableName": "pair", "Item": {"pk": S("pages"), "sk": N(str(i)), "v": S("x" * 150000)}}
    query = {"TableName": "pair", "KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": S("pages")},
             "ReturnConsumedCapacity": "TOTAL"}
    for more in [{}, {"ScanIndexForward": False}, {"Limit": 3}, {"Select": "COUNT"}, {"ProjectionExpression": "sk"},
                 {"ExclusiveStartKey": {"pk": S("pages"), "sk": N("6")}}, {"ExclusiveStartKey": {"pk": S("pages"), "sk": N("6.5")}},
                 {"ExclusiveStartKey": {"pk": S("other"), "sk": N("6")}}, {"ExclusiveStartKey": {"pk": S("pages")}},
                 {"ExclusiveStartKey": {"pk": S("pages"), "sk": S("x")}}, {"Limit": 0}, {"Limit": -1}, {"Limit": 9}, {"Limit": 10}]:
        yield "Query", dict(query, **more)
    for i in range(9):
        yield "DeleteItem", {"TableName": "pair", "Key": {"pk": S("pages"), "sk": N(str(i))}}


def expressions():
    item = {"a": N("1"), "l": {"L": [N("1"), S("b"), {"M": {"x": N("1")}}]}, "m": {"M": {"x": S("y"), "n": N("2")}}, "ss": {"SS": ["a", "b"]},
            "s": S("abc"), "bin": {"B": "YWJj"}, "t": {"BOOL": True}, "nul": {"NULL": True}}
    yield put(item)
    base = {"TableName": "plain", "Key": {"pk": S("case")}}
    for text in ["", " ", "a", "a =", "a = :x", "(a = :x)", "((a = :x))", "a = :x AND", "NOT a = :x", "not(a = :x)", "a = :x or a = :x",
                 "a == :x", "a != :x", "a <> :x", "a > :x AND (a < :x OR NOT (a = :x))", "a BETWEEN :x AND :x", "a IN (:x)", "a IN ()",
                 "a IN :x", "attribute_exists(a)", "attribute_exists (a)", "ATTRIBUTE_EXISTS(a)", "attribute_exists(:x)",
                 "attribute_exists(a, a)", "attribute_type(a, :x)", "attribute_type(a, a)", "begins_with(a, :x)", "begins_with(s, s)",
                 "contains(ss, ss)", "contains(ss, s)", "size(a) > :x", "size(size(a)) > :x", "size(s) > :x", "foo(a)", "a.b.c = :x",
                 "l[0] = :x", "l[ 0 ] = :x", "l[-1] = :x", "l[a] = :x", "l[0][1] = :x", "l[99999999999] = :x", "a = a", "l[0] = l[0]",
                 ":x = :x", "name = :x", "#n = :x", "a = :undefined", "size = :x", "a.name = :x", "a=:x", "a = :x;", "a = 'x'", "a = 1",
                 "a = :x AND a = :x AND " * 20 + "a = :x", " AND ".join(["a = :x"] * 301), "a" * 256 + " = :x", "a IN (" + ",".join([":x"] * 101) + ")",
                 "(" * 60 + "a = :x" + ")" * 60, "NOT " * 300 + "a = :x"]:
        body = dict(base, ConditionExpression=text)
        if ":x" in text:
            body["ExpressionAttributeValues"] = {":x": N("1")}
        if "#n" in text:
            body["ExpressionAttributeNames"] = {"#n": "a"}
        yield "DeleteItem", body
        yield put(item)
    for text in ["", "SET", "SET a", "SET a =", "SET a = :x", "SET a = :x,", "SET a = :x SET b = :x", "SET a = :x, a = :x", "SET a.b = :x, a = :x",
                 "SET l[0] = :x, l[1] = :x", "SET l[10] = :x", "SET m.z = :x", "SET m.z.q = :x", "SET pk = :x", "SET a = a + :x",
                 "SET a = :x + :x", "SET a = :x + :x + :x", "SET a = s + :x", "SET a = if_not_exists(a, :x)",
                 "SET a = if_not_exists(q, :x) + :x", "SET a = if_not_exists(:x, :x)", "SET l = list_append(l, l)", "SET l = list_append(l, :x)",
                 "SET a = list_append(a, a)", "SET q = list_append(if_not_exists(q, :l), :l)", "SET a = (:x)", "SET a = q", "REMOVE a",
                 "REMOVE a, b", "REMOVE a a", "REMOVE l[0], l[1]", "REMOVE m.x.y", "REMOVE q.x", "REMOVE :x", "ADD a :x", "ADD s :x",
                 "ADD ss :x", "ADD m.n :x", "ADD l[0] :x", "ADD q :x", "ADD q.r :x", "ADD a b", "DELETE ss :ss", "DELETE a :ss", "DELETE q :ss",
                 "DELETE ss :x", "set a = :x remove s add n2 :x delete ss :ss", "SET a = :x REMOVE a", "FOO a", "SET #n = :x", "SET name = :x",
                 "SET a = size(s)", "SET a = :x WHERE", "SET a=:x-:x", "SET a = - :x", "SET a = :x*:x"]:
        body = dict(base, UpdateExpression=text, ReturnValues="ALL_NEW")
        given = {k: v for k, v in {":x": N("1"), ":l": {"L": [N("5")]}, ":ss": {"SS": ["a"]}}.items()
                 if k in text.replace(",", " ").replace(")", " ").replace("(", " ").replace("+", " ").replace("-", " ").replace("*", " ").replace("=", " ").split()}
        if given:
            body["ExpressionAttributeValues"] = given
        if "#n" in text:
            body["ExpressionAttributeNames"] = {"#n": "a"}
        yield "UpdateItem", body
        yield put(item)
    for text in ["", "a", "a,", "a,,b", "a b", "a.b, a", "a, a", "l[0], l[1]", "l[0].x", "m.x, m.n", "#n", "name", ":x", "*", "a[*]", "size(a)",
                 "l[1], l[0]", "l[2].x, l[0]"]:
        body = dict(base, ProjectionExpression=text)
        if "#n" in text:
            body["ExpressionAttributeNames"] = {"#n": "a"}
        yield "GetItem", body
    for names in [{}, {"n": "a"}, {"#": "a"}, {"#n": ""}, {"#n": "a", "#m": "b"}, {"#n-": "a"}, {"#1": "a"}, None]:
        yield "GetItem", dict(base, ProjectionExpression="#n", ExpressionAttributeNames=names)
    for given in [{}, {"x": N("1")}, {":": N("1")}, {":x": {}}, {":x": N("1"), ":y": N("1")}, None]:
        yield "DeleteItem", dict(base, ConditionExpression="q = :x", ExpressionAttributeValues=given)
    yield "GetItem", dict(base, ExpressionAttributeNames={"#n": "a"})
    yield "GetItem", dict(base, AttributesToGet=["a"], ProjectionExpression="a")
    yield "GetItem", dict(base, AttributesToGet=["a", "a"])
    yield "GetItem", dict(base, AttributesToGet=[])


def batches():
    key = lambda i: {"pk": S("b%d" % i)}
    for count in (0, 1, 25, 26):
        yield "BatchWriteItem", {"RequestItems": {"plain": [{"PutRequest": {"Item": key(i)}} for i in range(count)]}}
    for count in (0, 1, 100, 101):
        yield "BatchGetItem", {"RequestItems": {"plain": {"Keys": [key(i) for i in range(count)]}}}
    yield "BatchGetItem", {"RequestItems": {"plain": {"Keys": [key(1), key(1)]}}}
    yield "BatchWriteItem", {"RequestItems": {"plain": [{"PutRequest": {"Item": key(1)}}, {"DeleteRequest": {"Key": key(1)}}]}}
    yield "BatchWriteItem", {"RequestItems": {"plain": [{}]}}
    yield "BatchWriteItem", {"RequestItems": {"plain": [{"PutRequest": {"Item": key(1)}, "DeleteRequest": {"Key": key(2)}}]}}
    yield "BatchWriteItem", {"RequestItems": {"absent": [{"PutRequest": {"Item": key(1)}}]}}
    yield "BatchWriteItem", {"RequestItems": {}}
    yield "BatchGetItem", {"RequestItems": {}}
    yield "BatchGetItem", {"RequestItems": {"absent": {"Keys": [key(1)]}}}
    for i in range(26):
        yield "DeleteItem", {"TableName": "plain", "Key": key(i)}


def statements():
    for i in range(3):
        yield "PutItem", {"TableName": "pair", "Item": {"pk": S("p"), "sk": N(str(i)), "a": S("v%d" % i), "l": {"L": [N("1"), N("2")]}}}
    for text, *parameters in [
            ("SELECT * FROM pair WHERE pk = 'p' AND sk = 1",), ("SELECT * FROM \"pair\" WHERE pk = ? AND sk = ?", S("p"), N("1")),
            ("SELECT a, sk FROM pair WHERE pk = 'p'",), ("SELECT * FROM pair WHERE pk = 'p' ORDER BY sk DESC",),
            ("SELECT l[0] FROM pair WHERE pk = 'p' AND sk > 0",), ("SELECT * FROM pair WHERE pk = 'p' AND sk BETWEEN 1 AND 2",),
            ("SELECT * FROM pair WHERE pk IN ['p', 'q']",), ("SELECT * FROM pair WHERE begins_with(a, 'v') AND pk = 'p'",),
            ("SELECT * FROM pair WHERE pk = 'p' AND a IS MISSING",), ("SELECT * FROM pair WHERE pk = 'p' AND NOT a = 'v1'",),
            ("SELECT * FROM absent",), ("SELECT * FROM pair WHERE pk = ?",), ("SELECT * FROM pair WHERE pk = 'p'", S("x")), ("SELECT",),
            ("SELECT * pair",), ("",), ("INSERT INTO pair VALUE {'pk': 'p', 'sk': 9, 'n': 1, 't': true, 'x': null, 's': <<'a', 'b'>>}",),
            ("SELECT * FROM pair WHERE pk = 'p' AND sk = 9",), ("INSERT INTO pair VALUE {'pk': 'p', 'sk': 9}",),
            ("INSERT INTO pair VALUE {'pk': 'p'}",), ("INSERT INTO pair VALUE {'sk': 9}",), ("INSERT INTO pair VALUE ?", {"M": {"pk": S("p"), "sk": N("8")}}),
            ("UPDATE pair SET a = 'new' WHERE pk = 'p' AND sk = 9 RETURNING ALL NEW *",),
            ("UPDATE pair SET n = n + 1 SET q = [1, {'x': 'y'}] REMOVE t WHERE pk = 'p' AND sk = 9 RETURNING ALL NEW *",),
            ("UPDATE pair SET a = 'x' WHERE pk = 'p' AND sk = 9 AND a = 'old'",), ("UPDATE pair SET a = 'x' WHERE pk = 'p'",),
            ("UPDATE pair SET a = 'x' WHERE pk = 'p' AND sk = 77",), ("UPDATE pair SET l = list_append(l, [3]) WHERE pk = 'p' AND sk = 1 RETURNING MODIFIED NEW *",),
            ("DELETE FROM pair WHERE pk = 'p' AND sk = 9 RETURNING ALL OLD *",), ("DELETE FROM pair WHERE pk = 'p' AND sk = 9",),
            ("DELETE FROM pair WHERE pk = 'p' AND sk = 8 AND a = 'zz'",), ("DELETE FROM pair",), ("DROP TABLE pair",)]:
        body = {"Statement": text}
        if parameters:
            body["Parameters"] = parameters
        yield "ExecuteStatement", body
    yield "ExecuteStatement", {"Statement": "SELECT * FROM pair WHERE pk = 'p'", "Limit": 1}
    yield "ExecuteStatement", {}
    yield "BatchExecuteStatement", {"Statements": [{"Statement": "SELECT * FROM pair WHERE pk = 'p' AND sk = 1"},
                                                   {"Statement": "SELECT * FROM pair WHERE pk = 'p' AND sk = 99"}]}
    yield "BatchExecuteStatement", {"Statements": [{"Statement": "SELECT * FROM pair WHERE pk = 'p'"}]}
    yield "BatchExecuteStatement", {"Statements": []}
    yield "BatchExecuteStatement", {"Statements": [{"Statement": "INSERT INTO pair VALUE {'pk': 'p', 'sk': 1}"},
                                                   {"Statement": "INSERT INTO pair VALUE {'pk': 'p', 'sk': 55}"}]}
    yield "ExecuteTransaction", {"TransactStatements": [{"Statement": "UPDATE pair SET a = 'tx' WHERE pk = 'p' AND sk = 55"},
                                                        {"Statement": "DELETE FROM pair WHERE pk = 'p' AND sk = 1"}]}
    yield "ExecuteTransaction", {"TransactStatements": [{"Statement": "EXISTS(SELECT * FROM pair WHERE pk = 'p' AND sk = 99)"},
                                                        {"Statement": "DELETE FROM pair WHERE pk = 'p' AND sk = 55"}]}
    yield "ExecuteTransaction", {"TransactStatements": []}
    for i in (0, 1, 2, 8, 9, 55):
        yield "DeleteItem", {"TableName": "pair", "Key": {"pk": S("p"), "sk": N(str(i))}}


def transactions():
    def key(pk, **more):
        return dict({"TableName": "plain", "Key": {"pk": S(pk)}}, **more)

    def item(pk, **more):
        return {"Put": dict({"TableName": "plain", "Item": {"pk": S(pk), "n": N("1")}}, **more)}

    def write(*actions, **more):
        return "TransactWriteItems", dict({"TransactItems": list(actions)}, **more)
    new = {"ConditionExpression": "attribute_not_exists(pk)"}
    add = {"UpdateExpression": "SET n = n + :one", "ExpressionAttributeValues": {":one": N("1")}}
    yield write(item("t1"), item("t2"))
    yield write(item("t1", **new), item("t3"))
    yield write(item("t1", ReturnValuesOnConditionCheckFailure="ALL_OLD", **new), {"Delete": key("t2", **new)},
                {"ConditionCheck": key("t4", ConditionExpression="attribute_exists(pk)", ReturnValuesOnConditionCheckFailure="ALL_OLD")})
    yield write({"Update": key("t1", **add)}, {"Delete": key("t2")}, {"ConditionCheck": key("t3", **new)})
    yield write({"Update": key("t5", **add)})
    yield write({"Update": key("t1", UpdateExpression="SET pk = :v", ExpressionAttributeValues={":v": S("x")})})
    yield write({"Update": key("t1")})
    yield write(item("t1"), {"Delete": key("t1")})
    yield write({"Put": {"TableName": "plain", "Item": {"pk": N("1")}}}, item("t6"))
    yield write({"Put": {"TableName": "plain", "Item": {"pk": S("")}}}, item("t6"))
    yield write({"Put": {"TableName": "plain", "Item": {"n": N("1")}}}, item("t6"))
    yield write({"Delete": {"TableName": "plain", "Key": {"pk": S("t1"), "x": S("y")}}})
    yield write({"Put": {"TableName": "absent", "Item": {"pk": S("t1")}}})
    yield write({})
    yield write({"Put": {"TableName": "plain", "Item": {"pk": S("t1")}}, "Delete": key("t2")})
    yield write()
    yield write(*[item("t%d" % i) for i in range(101)])
    yield write(*[{"Put": {"TableName": "plain", "Item": {"pk": S("big%d" % i), "v": S("x" * 390_000)}}} for i in range(11)])
    yield write({"Put": {"TableName": "plain", "Item": {"pk": S("big"), "v": S("x" * 410_000)}}})
    yield write(item("t7"), ClientRequestToken="token")
    yield write(item("t7"), ClientRequestToken="token")
    yield write(item("t8"), ClientRequestToken="token")
    yield write(item("t9"), ClientRequestToken="x" * 37)
    for gets in ([key("t1"), key("none"), key("t3", ProjectionExpression="n")], [key("t1"), key("t1")], [{"TableName": "absent", "Key": {"pk": S("x")}}],
                 [{"TableName": "plain", "Key": {"pk": N("1")}}], [{"TableName": "plain", "Key": {}}], [key("t1", ProjectionExpression="a,,b")], []):
        yield "TransactGetItems", {"TransactItems": [{"Get": get} for get in gets]}
    for i in range(1, 8):
        yield "DeleteItem", key("t%d" % i)


def tables():
    def make(**more):
        return "CreateTable", dict({"TableName": "made", "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
                                    "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}]}, **more)

    def update(**more):
        return "UpdateTable", dict({"TableName": "made"}, **more)
    units = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}
    yield make()
    yield make(ProvisionedThroughput={"ReadCapacityUnits": 0, "WriteCapacityUnits": 1})
    yield make(ProvisionedThroughput=units, StreamSpecification={"StreamEnabled": True})
    yield make(ProvisionedThroughput=units, StreamSpecification={"StreamEnabled": False, "StreamViewType": "KEYS_ONLY"})
    yield make(ProvisionedThroughput=units, DeletionProtectionEnabled=True)
    yield make(ProvisionedThroughput=units)
    yield "DeleteTable", {"TableName": "made"}
    yield update(DeletionProtectionEnabled=False)
    yield "DeleteTable", {"TableName": "made"}
    yield make(ProvisionedThroughput=units)
    yield update()
    yield update(ProvisionedThroughput=units)
    yield update(ProvisionedThroughput={"ReadCapacityUnits": 7, "WriteCapacityUnits": 6})
    yield update(BillingMode="PROVISIONED")
    yield update(StreamSpecification={"StreamEnabled": False})
    yield update(StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    yield update(StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    yield update(StreamSpecification={"StreamEnabled": False})
    yield "DeleteTable", {"TableName": "made"}
    yield "DescribeTable", {"TableName": "made"}
    for body in [{"Limit": 0}, {"Limit": 101}, {"Limit": 1}, {"ExclusiveStartTableName": "made"}, {"ExclusiveStartTableName": "x"}]:
        yield "ListTables", body


def settings():
    for body in [{"TableName": "plain"}, {"TableName": "absent"}, {}]:
        yield "DescribeTimeToLive", body
    for spec in [{"Enabled": True, "AttributeName": "ttl"}, {"Enabled": True, "AttributeName": "ttl"}, {"Enabled": True, "AttributeName": "other"},
                 {"Enabled": False, "AttributeName": "other"}, {"Enabled": False, "AttributeName": "ttl"}, {"Enabled": False, "AttributeName": "ttl"},
                 {"Enabled": True}, {"AttributeName": "x"}, {"Enabled": True, "AttributeName": ""}]:
        yield "UpdateTimeToLive", {"TableName": "plain", "TimeToLiveSpecification": spec}
    yield "DescribeLimits", {}
    yield "NoSuchOperation", {}


def all_cases():
    for theme in (numbers, values, sizes, pages, expressions, batches, statements, transactions, tables, settings):
        yield from theme()
