"""Differences that stay, each with its reason: mostly what AWS documents and DynamoDB Local does not do.

A rule: (reason, test of (operation, body, ours, theirs)).
"""
import re

import compare

RULES = []


def rule(reason):
    def add(test):
        RULES.append((reason, test))
        return test
    return add


def reason(operation, body, ours, theirs):
    for text, test in RULES:
        if test(operation, body, ours, theirs):
            return text
    return None


def shape(message):
    """A message without the parts that vary: one kind of difference is shown once."""
    message = re.sub(r'"[^"]*"|\'[^\']*\'', "..", message)
    message = re.sub(r"\{[^{}]*\}|\[[^\[\]]*\]", "..", message)
    return re.sub(r"\d+", "0", message)[:120]


@rule("DynamoDB Local answers 500 to a document of a wrong type; the service a SerializationException")
def _(operation, body, ours, theirs):
    return theirs.status == 500 and ours.type == "SerializationException"


@rule("DynamoDB Local overlooks a wrong type; the service, and dynalite, do not")
def _(operation, body, ours, theirs):
    return ours.type == "SerializationException" and theirs.type != "SerializationException"


@rule("a transaction's bad item: the service cancels it with a ValidationError reason (TransactionCanceledException in AWS's API reference)")
def _(operation, body, ours, theirs):
    return (operation.startswith("Transact") and ours.type == "TransactionCanceledException" and
            "[" in ours.message and "ValidationError" in ours.message and
            theirs.type in ("ValidationException", "TransactionCanceledException"))


@rule("a cancellation reason's message ends with a full stop in DynamoDB Local alone")
def _(operation, body, ours, theirs):
    if ours.type != "TransactionCanceledException" or theirs.type != ours.type:
        return False
    reasons = [[dict(r, Message=r.get("Message", "").rstrip(".")) for r in x.body.get("CancellationReasons", [])] for x in (ours, theirs)]
    return reasons[0] == reasons[1]


@rule("constraints of the API's model come first, all of them, in the model's words (dynalite's recordings); DynamoDB Local has few")
def _(operation, body, ours, theirs):
    return re.match(r"\d+ validation errors? detected: ", ours.message) is not None


# Ours, and what DynamoDB Local says instead. Evidence: dynalite's recordings from the service, Alternator's
# tests that are run against it, AWS's API reference.
WORDS = [
    (r"Requested resource not found(: Table: .* not found)?$", r"Cannot do operations on a non-existent table$"),
    (r"Table already exists: ", r"Cannot create preexisting table$"),
    (r"The provided key element does not match the schema$", r"The number of conditions on the keys is invalid$"),
    (r"The provided key element does not match the schema$", r"One of the required keys was not given a value$"),
    (r"One or more parameter values were invalid: Missing the key ", r"One of the required keys was not given a value$"),
    (r"The parameter cannot be converted to a numeric value", r"A value provided cannot be converted into a number$"),
    (r"ReturnValues can only be ", r"Return values set to invalid value$"),
    (r".*Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
     r".*(contains a null AttributeValue|null)"),
    (r".*contains duplicates\. for key ", r".*contains duplicates for key "),
    # measured at the service in 2026 (paritysuite/dynamodb-conformance, queryKeyConditionOperands)
    (r"Invalid KeyConditionExpression: KeyConditionExpressions must only contain one", r"KeyConditionExpressions must only contain one"),
    (r"The number of query conditions .* exceeds the number of key attributes", r"Conditions can be of length 1 or 2 only"),
    (r"KeyConditionExpressions cannot have conditions on nested attributes", r"Key attributes must be scalars"),
    (r"The requestItems parameter is required for BatchWriteItem", r"BatchWriteItem cannot have a null or no requests set"),
    (r"The parameter 'TableName' is required", r"Invalid table/index name"),
    (r"At least one of ProvisionedThroughput, BillingMode", r"Nothing to update$"),
    (r".*contains duplicates\.$", r".*contains duplicates$"),
    (r"$", r"An unknown operation was requested\.$"),
    (r".*AttributeValue: \{B:", r".*AttributeValue: \{B:java\.nio\."),
    (r"TimeToLive is active on a different AttributeName: current AttributeName is ", r"TimeToLive is active on a different AttributeName$"),
    (r"Attempting to store more than 38 significant digits", r"DynamoDB only supports precision up to 38 digits$"),
    (r"The provided starting key is invalid: The provided key element does not match the schema$",
     r"(Exclusive Start Key must have same size|Type mismatch for attribute)"),
    (r".*The expression can not be empty;$", r".*Syntax error; token: \"<EOF>\", near: \" *\"$"),
    (r"ALL_PROJECTED_ATTRIBUTES can be used only when", r"Cannot specify the ProjectionExpression when choosing to get"),
]


@rule("DynamoDB Local's own words")
def _(operation, body, ours, theirs):
    return ours.type == theirs.type and any(re.match(a, ours.message) and re.match(b, theirs.message) for a, b in WORDS)


@rule("of two faults in one request another is told: here all that needs no table comes before all that does")
def _(operation, body, ours, theirs):
    needs_table = r"The number of conditions on the keys|Cannot do operations on a non-existent|Invalid attribute value type"
    return ours.type == "ValidationException" and re.match(needs_table, theirs.message) is not None


@rule("of two faults in one transaction another is told: here actions are looked at in their order, and two on one item before any is tried")
def _(operation, body, ours, theirs):
    return (operation.startswith("Transact") and ours.type == "ValidationException" and not theirs.ok and
            len(body.get("TransactItems") or []) > 0)


@rule("TransactGetItems leaves an item out of which the projection shows nothing (paritysuite/dynamodb-conformance, measured at the service)")
def _(operation, body, ours, theirs):
    def without(answer):
        return [r for r in answer.body.get("Responses", []) if r.get("Item")]
    return (operation == "TransactGetItems" and ours.ok and theirs.ok and
            any(r == {"Item": {}} for r in theirs.body.get("Responses", [])) and compare.normal(without(ours)) == compare.normal(without(theirs)))


@rule("two paths that overlap: any pair of them may be named")
def _(operation, body, ours, theirs):
    return ours.type == theirs.type and "document paths overlap" in ours.message and "document paths overlap" in theirs.message


@rule("a table passes through CREATING, UPDATING and DELETING, as the service's do; it has a TableId")
def _(operation, body, ours, theirs):
    if not (ours.ok and theirs.ok and operation in ("CreateTable", "UpdateTable", "DeleteTable", "DescribeTable")):
        return False
    documents = []
    for answer in (ours, theirs):
        table = dict(answer.body.get("TableDescription") or answer.body.get("Table") or {})
        for name in ("TableStatus", "TableId", "WarmThroughput"):  # the last is the service's since 2024
            table.pop(name, None)
        for index in table.get("GlobalSecondaryIndexes") or []:
            index.pop("IndexStatus", None), index.pop("WarmThroughput", None)
            index.get("ProvisionedThroughput", {}).pop("NumberOfDecreasesToday", None)
        documents.append(compare.normal(table))
    return documents[0] == documents[1]


@rule("a read that finds nothing costs what the smallest item costs (AWS: \"a read request unit for an item that does not exist\")")
def _(operation, body, ours, theirs):
    def without(answer):
        return compare.normal({k: v for k, v in answer.body.items() if k != "ConsumedCapacity"})
    return (ours.ok and theirs.ok and operation in ("Query", "Scan", "GetItem", "BatchGetItem") and
            compare.items_in_any_order(without(ours)) == compare.items_in_any_order(without(theirs)) and
            re.search(r'"CapacityUnits":0(\.0)?[,}]', theirs.text.replace(" ", "")) is not None)


@rule("DynamoDB Local reports the consumed capacity of a failed condition's deletion unasked")
def _(operation, body, ours, theirs):
    return (ours.ok and theirs.ok and "ConsumedCapacity" in theirs.body and "ConsumedCapacity" not in ours.body and
            isinstance(body, dict) and body.get("ReturnConsumedCapacity", "NONE") in ("NONE", None))


@rule("an update that only takes away makes no item (Alternator's test_update_item_non_existent, run against the service)")
def _(operation, body, ours, theirs):
    return (operation == "UpdateItem" and ours.ok and theirs.ok and "Attributes" not in ours.body and
            set(theirs.body.get("Attributes", {})) <= {"pk", "sk"})


@rule("a transaction's capacity is broken down by table with the units of its kind, as in AWS's API reference")
def _(operation, body, ours, theirs):
    def units(answer, factor=1):
        return sorted([c.get("TableName"), c.get("CapacityUnits") * factor] for c in answer.body.get("ConsumedCapacity", []))
    return (operation.startswith("Transact") and ours.ok and theirs.ok and
            units(theirs) in (units(ours), units(ours, 2)) and  # DynamoDB Local doubles some once more
            compare.normal({k: v for k, v in ours.body.items() if k != "ConsumedCapacity"}) ==
            compare.normal({k: v for k, v in theirs.body.items() if k != "ConsumedCapacity"}))


def words(ours, theirs, pairs):
    return not ours.ok and any(re.match(a, ours.message) and re.match(b, theirs.message) for a, b in pairs)


@rule("DynamoDB Local's own words about tables and indexes")
def _(operation, body, ours, theirs):
    return ours.type == theirs.type and words(ours, theirs, [
        (r"Attribute Name is duplicated", r"Cannot have two attributes with the same name"),
        (r".*ProvisionedThroughput is not specified for index: ", r"No provisioned throughput specified for the global secondary index"),
        (r".*IndexName: .*, IndexKey: ", r".*IndexName: .*, IndexKey: "),  # of two indexes with one key attribute, another is named
        (r".*Duplicate element in NonKeyAttributes", r"Cannot have two attributes with the same name"),
        (r"The KeySchema contains multiple key attributes with the same name", r"Key Schema too big"),  # keys of several attributes: since 2025
        (r"Consistent reads are not supported on global secondary indexes", r"Consistent read cannot be true when (scanning|querying) a GSI"),
        (r"One or more parameter values were invalid: Type mismatch for key ", r"One or more parameter values were invalid: Type mismatch for key$"),
        (r"One or more parameter values were invalid: Type mismatch for Index Key ", r"One or more parameter values are not valid\. The update expression"),
        (r".*Input collection \[.*\]of type BS contains duplicates", r".*Input collection of type BS contains duplicates"),
        (r"One or more parameter values were invalid: Type mismatch for Index Key ", r".*Type mismatch for Index Key$"),
        (r".*Secondary index .* does not project|.*does not project", r".*does not project"),
    ])


PARTIQL = ("ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction")


@rule("PartiQL's parser in DynamoDB Local is another one, with texts of its own; the names of errors are the API's (DuplicateItemException)")
def _(operation, body, ours, theirs):
    return operation in PARTIQL and (
        (ours.type == theirs.type and words(ours, theirs, [(r"Statement wasn't well formed", r"Statement wasn't well formed")])) or
        (ours.type == "DuplicateItemException" and theirs.type == "DuplicateItem") or
        (ours.message == "Number of parameters in request and statement don't match." and theirs.ok) or
        (ours.ok and theirs.ok and set(ours.body) - set(theirs.body) == {"LastEvaluatedKey"}) or
        (ours.ok and theirs.ok and "must specify the primary key" in ours.text and "Only single item select" in theirs.text))


@rule("item collection metrics of batches and puts: DynamoDB Local has none (AWS's usage notes: \"item collection metrics are null\")")
def _(operation, body, ours, theirs):
    return (ours.ok and theirs.ok and "ItemCollectionMetrics" in ours.body and "ItemCollectionMetrics" not in theirs.body and
            compare.normal({k: v for k, v in ours.body.items() if k != "ItemCollectionMetrics"}) == compare.normal(theirs.body))


@rule("what a key of an index must be is checked before the update is carried out, as the service does (dynalite's recordings)")
def _(operation, body, ours, theirs):
    return operation == "UpdateItem" and "Type mismatch for Index Key" in ours.message


@rule("DynamoDB Local fails with an update that does nothing and returns what it updated")
def _(operation, body, ours, theirs):
    return operation == "UpdateItem" and theirs.status == 500 and ours.ok and "Attributes" not in ours.body


@rule("of two faults in one request another is told: expressions and what they select come before keys, keys before tables and indexes")
def _(operation, body, ours, theirs):
    pairs = [(r"Invalid \w+Expression: ", r"One of the required keys|Invalid \w+Expression: |.*cannot contain an empty (string|binary) value"),
             (r"Must specify the AttributesToGet or ProjectionExpression", r"The table does not have the specified index|.*does not project"),
             (r".*cannot contain an empty (string|binary) value", r"Key attributes must be scalars"),
             # dynalite has no operand types of comparisons; those it has it tells before the index, too
             (r"Invalid \w+Expression: ", r"The table does not have the specified index|Consistent read cannot be true"),
             (r"(Cannot specify|Must specify) the .* when choosing", r"The table does not have the specified index"),
             # ExtendDB's test_conditional_operator, run against the service: before what is asked of the key
             (r"ConditionalOperator can", r".*"),
             (r".*ComparisonOperator \w+ is not valid for", r".*Invalid number of argument"),
             (r".*Syntax error; token: ", r".*Syntax error; token: ")]  # the text near it: with or without a blank before
    return ours.type == theirs.type == "ValidationException" and words(ours, theirs, pairs)


@rule("a write's units: DynamoDB Local doubles some in a transaction, and counts a deletion in a batch by another item")
def _(operation, body, ours, theirs):
    if not (operation in ("BatchWriteItem", "TransactWriteItems") and ours.ok and theirs.ok):
        return False
    names = [sorted(c.get("TableName") for c in x.body.get("ConsumedCapacity", [])) for x in (ours, theirs)]
    rest = [{k: v for k, v in x.body.items() if k not in ("ConsumedCapacity", "ItemCollectionMetrics")} for x in (ours, theirs)]
    return names[0] == names[1] and compare.normal(rest[0]) == compare.normal(rest[1])


@rule("DynamoDB Local leaves the message of IdempotentParameterMismatchException out")
def _(operation, body, ours, theirs):
    return ours.type == theirs.type == "IdempotentParameterMismatchException" and theirs.message == ""


@rule("StreamSpecification: the service's words are those of its UpdateTable and CreateTable (Alternator's test_streams), with the table's name")
def _(operation, body, ours, theirs):
    return ours.type == theirs.type and words(ours, theirs, [
        (r"One or more parameter values were invalid: Table is being created with a stream (en|dis)abled", r"Invalid StreamViewType: "),
        (r"Table has no stream to disable: TableName: ", r"Table has no stream to disable$"),
        (r"Table already has an enabled stream: TableName: ", r"Table already has an enabled stream$"),
    ])


@rule("DynamoDB Local lets a transaction's update give an index's key another type; the service refuses it as in UpdateItem")
def _(operation, body, ours, theirs):
    return (operation == "TransactWriteItems" and theirs.ok and ours.type == "TransactionCanceledException"
            and any(r.get("Code") == "ValidationError" and "index key" in r.get("Message", "").lower()
                    for r in ours.body.get("CancellationReasons", [])))


@rule("DynamoDB Local lets an update give an index's key another type; the service's words (dynalite's for plain values) refuse it")
def _(operation, body, ours, theirs):
    return (operation == "UpdateItem" and theirs.ok and ours.type == "ValidationException" and
            "index key" in ours.message.lower() and "type" in ours.message)


@rule("a page that its Limit ended has a LastEvaluatedKey also where no second item can follow (dynalite's recordings)")
def _(operation, body, ours, theirs):
    if operation != "Query" or not (ours.ok and theirs.ok) or ours.body.get("ScannedCount") != body.get("Limit"):
        return False
    rest = dict(ours.body)
    return rest.pop("LastEvaluatedKey", None) is not None and compare.normal(rest) == compare.normal(theirs.body)


@rule("Segment without TotalSegments: in the service's words, the other way round than DynamoDB Local's")
def _(operation, body, ours, theirs):
    return (operation == "Scan" and ours.type == theirs.type == "ValidationException" and
            ours.message.startswith("The TotalSegments parameter is required but was not present in the request when Segment") and
            theirs.message.startswith("If segment is specified"))
