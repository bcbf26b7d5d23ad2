#include "region/api/tag_api.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "base/log.h"
#include "region/api/call.h"
#include "region/api/request_json.h"

namespace everwrite::api {
namespace {

namespace dom = simdjson::dom;
using table::TableDefinition;
using table::TablePtr;
using table::Tags;

// Characters, not bytes.
size_t LengthOf(std::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
}

// Letters, digits, white space and + - = . _ : / @ ; of what lies beyond ASCII anything.
bool HasTagCharacters(std::string_view text) {
  constexpr std::string_view kOthers = "+-=._:/@ \t\n\r";
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return static_cast<uint8_t>(c) >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || kOthers.find(c) != std::string_view::npos;
  });
}

bool CheckKey(std::string_view key, ApiError& error) {
  constexpr std::string_view kReserved = "aws:";
  std::string prefix(key.substr(0, kReserved.size()));
  std::transform(prefix.begin(), prefix.end(), prefix.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (prefix == kReserved)
    return FailValidation(error, "Tag Key cannot be prefixed with aws:, Key: " + std::string(key));
  if (key.empty() || LengthOf(key) > table::kTagKeyMax || !HasTagCharacters(key))
    return FailValidation(error, "The Tag Key provided is invalid, Key: " + std::string(key));
  return true;
}

bool CheckValue(std::string_view value, ApiError& error) {
  if (value.data() && LengthOf(value) <= table::kTagValueMax && HasTagCharacters(value))
    return true;
  return FailValidation(error, "The Tag Value provided is invalid, Value: " +
                                   (value.data() ? std::string(value) : "null"));
}

bool FailTooMany(ApiError& error) {
  return FailValidation(error,
                        "Number of Tags exceed the current limit for the provided ResourceArn");
}

bool AddTags(const dom::array& array, Tags& tags, ApiError& error) {
  Violations violations;
  std::vector<std::pair<std::string_view, std::string_view>> read;
  for (const dom::element element : array) {
    dom::object object;
    if (!ReadObject(element, "class com.amazonaws.dynamodb.v20120810.Tag", object, error))
      return false;
    const Params members(object);
    auto& [key, value] = read.emplace_back();
    if (!members.Text(Param::kKey, key, error) || !members.Text(Param::kValue, value, error))
      return false;
    violations.Required(key.data(), "tags." + std::to_string(read.size()) + ".member.key");
  }
  if (!violations.Ok(error)) return false;
  for (const auto& [key, value] : read) {
    if (!CheckKey(key, error) || !CheckValue(value, error)) return false;
    if (!tags.emplace(key, value).second)
      return FailValidation(
          error,
          "Duplicate Tag Keys provided as input: Duplicate Tag Key found " + std::string(key));
  }
  return tags.size() <= table::kTagsMax || FailTooMany(error);
}

std::string Invalid(std::string_view what, std::string_view arn) {
  return std::string("One or more parameter values were invalid: ").append(what).append(arn);
}

// arn:aws:dynamodb:REGION:ACCOUNT:table/NAME, of this region; the account is not ours to know.
bool ReadArn(const Params& params, std::string_view region, std::string_view& arn,
             std::string_view& name, ApiError& error) {
  if (!params.Text(Param::kResourceArn, arn, error)) return false;
  Violations violations;
  violations.Required(arn.data(), "resourceArn");
  if (!violations.Ok(error)) return false;
  if (!arn.starts_with("arn:"))
    return FailValidation(error, Invalid("ARNs must start with 'arn:': ", arn));
  std::vector<std::string_view> parts;  // arn, partition, service, region, account, resource
  for (std::string_view rest = arn; parts.size() < 5;) {
    const size_t colon = rest.find(':');
    parts.push_back(rest.substr(0, colon));
    if (colon == std::string_view::npos) break;
    rest.remove_prefix(colon + 1);
    if (parts.size() == 5) parts.push_back(rest);
  }
  if (parts.size() < 6 || parts[2] != "dynamodb")
    return FailValidation(error, Invalid("Provided Arn is not a DynamoDB resource arn: ", arn));
  constexpr std::string_view kTable = "table/";
  name = parts[5];
  if (!name.starts_with(kTable) || name.find('/', kTable.size()) != std::string_view::npos)
    return FailValidation(
        error, Invalid("Invalid resource arn provided, only table or stream is accepted. Provided "
                       "resource arn: ",
                       arn));
  name.remove_prefix(kTable.size());
  if (parts[3] != region || name.size() < 3)
    return FailValidation(
        error, "Invalid TableArn: Invalid ResourceArn provided as input " + std::string(arn));
  return true;
}

ApiError ArnNotFound(std::string_view arn) {
  return {ErrorType::kResourceNotFound,
          "Requested resource not found: ResourcArn: " + std::string(arn) + " not found", ""};
}

// Edits the tags of the table, and answers with nothing, as the service does.
void EditTags(Call call, std::string_view arn, std::string_view name,
              std::function<bool(Tags&, ApiError&)> edit) {
  table::TableEngine& engine = call.engine();
  Executor& executor = call.executor();
  const auto shared = std::make_shared<Call>(std::move(call));
  const auto error = std::make_shared<ApiError>();
  engine.UpdateTable(
      std::string(name),
      [edit = std::move(edit), error](TableDefinition& definition) {
        return edit(definition.tags, *error) ? OkStatus() : InvalidArgument(error->message);
      },
      executor,
      [shared, error, arn = std::string(arn)](const Result<TablePtr>& result) {
        if (!error->ok()) return shared->Fail(*error);
        if (result.status().code() == StatusCode::kNotFound) return shared->Fail(ArnNotFound(arn));
        if (!result.ok()) return shared->Fail(result.status());
        shared->Reply("");
      });
}

}  // namespace

bool ReadTags(const Params& params, Tags& tags, ApiError& error) {
  std::optional<dom::array> array;
  if (!params.Array(Param::kTags, array, error)) return false;
  return !array || AddTags(*array, tags, error);
}

void TagResource(const Params& params, Call call) {
  ApiError error;
  std::string_view arn, name;
  Tags added;
  if (!ReadArn(params, call.context().region, arn, name, error)) return call.Fail(error);
  Violations violations;
  violations.Required(params.Has(Param::kTags), "tags");
  if (!violations.Ok(error) || !ReadTags(params, added, error)) return call.Fail(error);
  if (added.empty())
    return call.Fail(InvalidArgument("Atleast one Tag needs to be provided as Input."));
  EditTags(std::move(call), arn, name, [added](Tags& tags, ApiError& failed) {
    for (const auto& [key, value] : added) tags[key] = value;
    return tags.size() <= table::kTagsMax || FailTooMany(failed);
  });
}

void UntagResource(const Params& params, Call call) {
  ApiError error;
  std::string_view arn, name;
  std::optional<dom::array> array;
  if (!ReadArn(params, call.context().region, arn, name, error) ||
      !params.Array(Param::kTagKeys, array, error))
    return call.Fail(error);
  Violations violations;
  violations.Required(array.has_value(), "tagKeys");
  if (!violations.Ok(error)) return call.Fail(error);
  if (array->size() == 0)
    return call.Fail(InvalidArgument("Atleast one Tag Key needs to be provided as Input."));
  std::vector<std::string> keys;
  for (const dom::element element : *array) {
    std::string_view key;
    if (!ReadText(element, key, error) || !CheckKey(key, error)) return call.Fail(error);
    keys.emplace_back(key);
  }
  EditTags(std::move(call), arn, name, [keys](Tags& tags, ApiError&) {
    for (const std::string& key : keys) tags.erase(key);
    return true;
  });
}

// All in one page: there are fifty at most. A NextToken can only be somebody's invention, and the
// service answers such with the first page.
void ListTagsOfResource(const Params& params, Call call) {
  ApiError error;
  std::string_view arn, name;
  if (!ReadArn(params, call.context().region, arn, name, error)) return call.Fail(error);
  const TablePtr table = call.engine().FindTable(name);
  if (!table) return call.Fail(ArnNotFound(arn));
  std::string body = "{\"Tags\":[";
  for (const auto& [key, value] : table->definition.tags) {
    if (body.back() != '[') body += ',';
    body += "{\"Key\":";
    AppendJsonString(body, key);
    body += ",\"Value\":";
    AppendJsonString(body, value);
    body += '}';
  }
  body += "]}";
  call.Reply(std::move(body));
}

}  // namespace everwrite::api
