#include "cli/chaos_remake.h"

#include <algorithm>
#include <chrono>

#include "cli/chaos_call.h"
#include "cli/http_client.h"
#include "cli/json_value.h"

namespace everwrite::cli {
namespace {

constexpr std::string_view kTable = "\"TableName\":\"chaos-remade\"";
constexpr std::chrono::milliseconds kPace{100};
constexpr std::chrono::milliseconds kPoll{50};
constexpr int64_t kTimeoutMs = 2000;
constexpr std::chrono::seconds kPatience{20};
constexpr size_t kMostLines = 20;

template <typename Condition>
bool Eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(kPoll);
  }
  return true;
}

Result<HttpReply> Ask(const std::pair<std::string, std::string>& region, const char* operation,
                      const std::string& body) {
  const std::string headers = CallHeaders(operation, region.first);
  return HttpCall("POST", region.second, "/",
                  {.timeout_ms = kTimeoutMs, .headers = headers, .body = body});
}

}  // namespace

Result<std::unique_ptr<ChaosRemake>> ChaosRemake::Start(
    std::vector<std::pair<std::string, std::string>> endpoints) {
  std::unique_ptr<ChaosRemake> remake(new ChaosRemake(std::move(endpoints)));
  EW_RETURN_IF_ERROR(remake->Create(0));
  for (size_t i = 0; i < remake->endpoints_.size(); ++i) {
    if (!Eventually([&] { return !remake->TableThere(i).empty(); }))
      return Unavailable("the table to be made again does not reach " +
                         remake->endpoints_[i].first);
    remake->threads_.emplace_back([raw = remake.get(), i] { raw->Write(i); });
  }
  return remake;
}

ChaosRemake::~ChaosRemake() { Stop(); }

void ChaosRemake::Stop() {
  stop_ = true;
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

Status ChaosRemake::Create(size_t region) const {
  const auto made =
      Ask(endpoints_[region], "CreateTable",
          "{" + std::string(kTable) +
              ",\"BillingMode\":\"PAY_PER_REQUEST\",\"AttributeDefinitions\":[{\"AttributeName\":"
              "\"pk\",\"AttributeType\":\"S\"}],\"KeySchema\":[{\"AttributeName\":\"pk\","
              "\"KeyType\":\"HASH\"}]}");
  if (!made.ok()) return made.status();
  if (made->status != 200) return Unavailable("the table cannot be made again: " + made->body);
  return OkStatus();
}

std::string ChaosRemake::TableThere(size_t region) const {
  const auto reply = Ask(endpoints_[region], "DescribeTable", "{" + std::string(kTable) + "}");
  if (!reply.ok() || reply->status != 200) return {};
  const auto body = JsonValue::Parse(reply->body);
  if (!body.ok() || (*body)["Table"]["TableStatus"].AsString() != "ACTIVE") return {};
  return (*body)["Table"]["TableId"].AsString();
}

void ChaosRemake::Write(size_t region) {
  for (uint64_t number = 0; !stop_; ++number) {
    const std::string key = endpoints_[region].first + "-" + std::to_string(number);
    const std::string before = TableThere(region);
    const auto put = Ask(endpoints_[region], "PutItem",
                         "{" + std::string(kTable) + ",\"Item\":{\"pk\":{\"S\":\"" + key +
                             "\"},\"table\":{\"S\":\"" + before + "\"}}}");
    if (put.ok() && put->status == 200) {
      const bool same = !before.empty() && TableThere(region) == before;
      const std::lock_guard lock(mutex_);
      rows_[key] = same ? before : "";
    }
    std::this_thread::sleep_for(kPace);
  }
}

void ChaosRemake::Remake(const std::string& name) {
  const auto at = std::find_if(endpoints_.begin(), endpoints_.end(),
                               [&](const auto& one) { return one.first == name; });
  const auto region = static_cast<size_t>(at - endpoints_.begin());
  const auto fail = [this, &name](const std::string& why) {
    const std::lock_guard lock(mutex_);
    failures_.push_back("in " + name + ": " + why);
  };
  const auto deleted = Ask(endpoints_[region], "DeleteTable", "{" + std::string(kTable) + "}");
  if (!deleted.ok() || deleted->status != 200)
    return fail("the table cannot be deleted: " +
                (deleted.ok() ? deleted->body : deleted.status().message()));
  const bool gone = Eventually([&] {
    const auto reply = Ask(endpoints_[region], "DescribeTable", "{" + std::string(kTable) + "}");
    return reply.ok() && reply->body.find("ResourceNotFoundException") != std::string::npos;
  });
  if (!gone) return fail("the deleted table does not go");
  if (const Status made = Create(region); !made.ok()) return fail(made.message());
  if (!Eventually([&] { return !TableThere(region).empty(); }))
    return fail("the new table does not serve");
  const std::lock_guard lock(mutex_);
  ++remade_;
}

Result<std::map<std::string, std::string>> ChaosRemake::ReadAll(size_t region) const {
  std::map<std::string, std::string> rows;
  std::string from;
  do {
    EW_ASSIGN_OR_RETURN(
        const HttpReply reply,
        Ask(endpoints_[region], "Scan",
            "{" + std::string(kTable) + ",\"ConsistentRead\":true" +
                (from.empty() ? "" : ",\"ExclusiveStartKey\":{\"pk\":{\"S\":\"" + from + "\"}}") +
                "}"));
    if (reply.status != 200) return Unavailable(reply.body);
    EW_ASSIGN_OR_RETURN(const JsonValue body, JsonValue::Parse(reply.body));
    for (const JsonValue& item : body["Items"].items())
      rows[item["pk"]["S"].AsString()] = item["table"]["S"].AsString();
    from = body["LastEvaluatedKey"]["pk"]["S"].AsString();
  } while (!from.empty());
  return rows;
}

chaos::Verdict ChaosRemake::Judge() const {
  const std::lock_guard lock(mutex_);
  chaos::Verdict verdict;
  verdict.name = "remade_table";
  verdict.lines = failures_;
  size_t now = 0;
  const std::string table = TableThere(0);
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    const std::string& name = endpoints_[i].first;
    const auto rows = ReadAll(i);
    if (!rows.ok() || TableThere(i) != table) {
      verdict.lines.push_back(name + (rows.ok() ? " has another table"
                                                : " cannot be read: " + rows.status().message()));
      continue;
    }
    for (const auto& [key, noted] : *rows) {
      const auto row = rows_.find(key);
      if (row != rows_.end() && !row->second.empty() && row->second != table)
        verdict.lines.push_back(name + " has row " + key + " of the table that was deleted");
    }
    now = 0;
    for (const auto& [key, of] : rows_) {
      if (of != table) continue;
      ++now;
      if (rows->count(key) == 0)
        verdict.lines.push_back(name + " lacks row " + key + " of the new table");
    }
  }
  verdict.holds = verdict.lines.empty();
  verdict.says = std::to_string(now) + " rows of the new table, " +
                 std::to_string(rows_.size() - now) + " of old ones; made again " +
                 std::to_string(remade_) + " times";
  if (verdict.lines.size() > kMostLines) verdict.lines.resize(kMostLines);
  return verdict;
}

}  // namespace everwrite::cli
