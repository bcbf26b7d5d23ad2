#include "cli/chaos_call.h"

#include <charconv>
#include <ctime>

#include "cli/json_value.h"

namespace everwrite::cli {
namespace {

using chaos::Act;
using chaos::ObservedItem;
using chaos::Outcome;
using chaos::Request;

constexpr size_t kScanPage = 100;  // items

// How long a region may wait for what a token names: short, for the client does nothing else
// meanwhile.
constexpr int kTokenWaitMs = 100;

// Keys and ids of the workload need no escapes.
std::string Text(std::string_view text) { return "{\"S\":\"" + std::string(text) + "\"}"; }

std::string Key(const ObservedItem& item) { return "{\"pk\":" + Text(item.key) + "}"; }

// The id stands first and last among the attributes: a read that mixes two writes shows.
std::string Item(const Request& request, const ObservedItem& item) {
  const std::string id = Text(std::to_string(item.id));
  std::string out = "{\"pk\":" + Text(item.key) + ",\"id\":" + id + ",\"zid\":" + id;
  // Of the index that the table has from the beginning; some items are not in it.
  if (item.id % 5 != 0) out += ",\"bucket\":" + Text("b" + std::to_string(item.id % 3));
  if (request.lives_seconds != 0)
    out += ",\"expiry\":{\"N\":\"" +
           std::to_string(std::time(nullptr) + static_cast<int64_t>(request.lives_seconds)) + "\"}";
  if (!request.after_key.empty())
    out += ",\"after\":" + Text(request.after_key + ":" + std::to_string(request.after_id));
  if (request.value_bytes > 0)
    out +=
        ",\"pad\":" + Text(std::string(request.value_bytes, static_cast<char>('a' + item.id % 26)));
  return out + "}";
}

std::string TableName() { return "\"TableName\":\"" + std::string(kChaosTable) + "\""; }

std::string PutBody(const Request& request) {
  std::string body = "{" + TableName() + ",\"Item\":" + Item(request, request.items[0]);
  if (request.expected && *request.expected == 0)
    body += ",\"ConditionExpression\":\"attribute_not_exists(pk)\"";
  if (request.expected && *request.expected != 0)
    body += ",\"ConditionExpression\":\"id = :e\",\"ExpressionAttributeValues\":{\":e\":" +
            Text(std::to_string(*request.expected)) + "}";
  return body + "}";
}

std::string CountBody(const Request& request) {
  return "{" + TableName() + ",\"Key\":" + Key(request.items[0]) +
         ",\"UpdateExpression\":\"SET id = :i, zid = :i ADD n :one\""
         ",\"ExpressionAttributeValues\":{\":one\":{\"N\":\"1\"},\":i\":" +
         Text(std::to_string(request.items[0].id)) + "},\"ReturnValues\":\"UPDATED_NEW\"}";
}

std::string ItemsBody(const Request& request) {
  std::string body = "{\"TransactItems\":[";
  for (size_t i = 0; i < request.items.size(); ++i) {
    const ObservedItem& item = request.items[i];
    body += i == 0 ? "" : ",";
    body += request.act == Act::kTransact
                ? "{\"Put\":{" + TableName() + ",\"Item\":" + Item(request, item) + "}}"
                : "{\"Get\":{" + TableName() + ",\"Key\":" + Key(item) + "}}";
  }
  body += "]";
  if (request.act == Act::kTransact)
    body += ",\"ClientRequestToken\":\"chaos-" + std::to_string(request.items[0].id) + "\"";
  return body + "}";
}

// A page: whole items would be much to carry.
std::string ScanBody(const Request& request) {
  std::string body =
      "{" + TableName() +
      ",\"ConsistentRead\":true,\"ProjectionExpression\":\"pk, id, zid\",\"Limit\":" +
      std::to_string(kScanPage);
  if (!request.from.empty()) body += ",\"ExclusiveStartKey\":{\"pk\":" + Text(request.from) + "}";
  return body + "}";
}

uint64_t NumberOf(const std::string& text) {
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// One item of a read; an empty object when nothing was there.
uint64_t SeenItem(const JsonValue& item, chaos::Reply& reply) {
  const std::string id = item["id"]["S"].AsString();
  if (id != item["zid"]["S"].AsString()) reply.torn = true;
  const std::string after = item["after"]["S"].AsString();
  const size_t colon = after.rfind(':');
  if (colon != std::string::npos) {
    reply.after_key = after.substr(0, colon);
    reply.after_id = NumberOf(after.substr(colon + 1));
  }
  if (item["n"].is_object())
    reply.number = static_cast<int64_t>(NumberOf(item["n"]["N"].AsString()));
  return NumberOf(id);
}

void UnderstandRead(const Request& request, const JsonValue& body, chaos::Reply& reply) {
  if (request.act == Act::kGet) {
    reply.seen.push_back(SeenItem(body["Item"], reply));
    // A counter that nobody has counted yet.
    if (!reply.number && request.items[0].key.starts_with("count-")) reply.number = 0;
  } else if (request.act == Act::kScan) {
    for (const JsonValue& one : body["Items"].items())
      reply.page.push_back({one["pk"]["S"].AsString(), SeenItem(one, reply), 0});
    reply.next = body["LastEvaluatedKey"]["pk"]["S"].AsString();
  } else if (request.act == Act::kSnapshot) {
    for (const JsonValue& one : body["Responses"].items())
      reply.seen.push_back(SeenItem(one["Item"], reply));
    reply.after_key.clear();
  } else if (request.act == Act::kCount) {
    reply.number = static_cast<int64_t>(NumberOf(body["Attributes"]["n"]["N"].AsString()));
  }
}

}  // namespace

std::string CallHeaders(std::string_view operation, std::string_view region) {
  return "Content-Type: application/x-amz-json-1.0\r\nX-Amz-Target: DynamoDB_20120810." +
         std::string(operation) +
         "\r\nX-Amz-Date: 20260101T000000Z\r\nAuthorization: AWS4-HMAC-SHA256 "
         "Credential=chaos/20260101/" +
         std::string(region) +
         "/dynamodb/aws4_request, SignedHeaders=host;x-amz-date;x-amz-target, Signature=" +
         std::string(64, '0') + "\r\n";
}

ChaosCall MakeCall(const Request& request) {
  ChaosCall call;
  const auto make = [&](const char* operation, std::string body) {
    call.headers = CallHeaders(operation, request.region);
    call.body = std::move(body);
  };
  switch (request.act) {
    case Act::kPut: make("PutItem", PutBody(request)); break;
    case Act::kDelete:
      make("DeleteItem", "{" + TableName() + ",\"Key\":" + Key(request.items[0]) + "}");
      break;
    case Act::kCount: make("UpdateItem", CountBody(request)); break;
    case Act::kTransact: make("TransactWriteItems", ItemsBody(request)); break;
    case Act::kSnapshot: make("TransactGetItems", ItemsBody(request)); break;
    case Act::kScan: make("Scan", ScanBody(request)); break;
    default:
      make("GetItem",
           "{" + TableName() + ",\"Key\":" + Key(request.items[0]) + ",\"ConsistentRead\":true}");
      break;
  }
  if (!request.tokens.empty()) call.headers += "x-everwrite-session: " + request.tokens + "\r\n";
  return call;
}

chaos::Reply Understand(const Request& request, const Result<HttpReply>& answer) {
  chaos::Reply reply;
  if (!answer.ok()) return reply;
  const auto body = JsonValue::Parse(answer->body);
  if (!body.ok()) return reply;
  if (answer->status == 200) {
    reply.outcome = Outcome::kAcknowledged;
    reply.token = answer->Field("x-everwrite-session");
    reply.receipt = answer->Field("x-everwrite-receipt");
    UnderstandRead(request, *body, reply);
    return reply;
  }
  const std::string type = (*body)["__type"].AsString();
  reply.behind = type.ends_with("RegionBehindException");
  // Of the rest it is not known how far it went.
  if (reply.behind || type.ends_with("ConditionalCheckFailedException"))
    reply.outcome = Outcome::kRefused;
  return reply;
}

}  // namespace everwrite::cli
