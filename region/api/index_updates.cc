#include "region/api/index_updates.h"

#include <algorithm>
#include <set>

namespace everwrite::api {
namespace {

namespace dom = simdjson::dom;
using table::BillingMode;
using table::IndexDefinition;
using table::TableDefinition;
using Kind = IndexUpdate::Kind;

constexpr std::string_view kOneOnline =
    "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per "
    "table";

bool ReadUpdate(const Params& params, const std::string& path, IndexRequest& out,
                Violations& violations, ApiError& error) {
  std::string_view name;
  if (!params.Text(Param::kIndexName, name, error)) return false;
  violations.Required(name.data(), path + ".indexName");
  violations.Name(name, path + ".indexName");
  out.name = name;
  return ReadThroughput(params, path + ".provisionedThroughput", out.throughput, violations, error);
}

bool ReadDelete(const Params& params, const std::string& path, IndexRequest& out,
                Violations& violations, ApiError& error) {
  std::string_view name;
  if (!params.Text(Param::kIndexName, name, error)) return false;
  violations.Required(name.data(), path + ".indexName");
  violations.Name(name, path + ".indexName");
  out.name = name;
  return true;
}

struct ActionRow {
  Param param;
  Kind kind;
  std::string_view path;
  bool (*read)(const Params&, const std::string&, IndexRequest&, Violations&, ApiError&);
};
constexpr ActionRow kActions[] = {{Param::kUpdate, Kind::kUpdate, "update", ReadUpdate},
                                  {Param::kCreate, Kind::kCreate, "create", ReadIndex},
                                  {Param::kDelete, Kind::kDelete, "delete", ReadDelete}};

bool ReadOne(dom::element element, const std::string& path, IndexUpdate& out,
             Violations& violations, ApiError& error) {
  dom::object object;
  if (!ReadObject(element, "class com.amazonaws.dynamodb.v20120810.GlobalSecondaryIndexUpdate",
                  object, error))
    return false;
  const Params members(object);
  for (const ActionRow& row : kActions) {
    std::optional<dom::object> action;
    if (!members.Object(row.param,
                        "class com.amazonaws.dynamodb.v20120810.GlobalSecondaryIndexAction", action,
                        error))
      return false;
    if (!action) continue;
    ++out.kinds;
    out.kind = row.kind;
    if (!row.read(Params(*action), path + "." + std::string(row.path), out.request, violations,
                  error))
      return false;
  }
  return true;
}

// Applies one request's updates to one definition.
class Applier {
 public:
  Applier(const IndexUpdates& updates, const TableDefinition& before,
          const std::function<bool(IndexId)>& is_complete, TableDefinition& definition,
          IndexStates& states, ApiError& error)
      : updates_(updates),
        before_(before),
        is_complete_(is_complete),
        definition_(definition),
        states_(states),
        error_(error) {}

  bool Run() {
    states_.indexes = before_.indexes;
    for (const IndexUpdate& update : updates_.list) {
      const bool done = update.kind == Kind::kCreate   ? Create(update.request)
                        : update.kind == Kind::kDelete ? Delete(update.request)
                                                       : Update(update.request);
      if (!done) return false;
    }
    return Billing();
  }

 private:
  bool Invalidate(const std::string& what) { return FailValidation(error_, Invalid(what)); }
  bool Limit(std::string_view what) {
    return Fail(error_, ErrorType::kLimitExceeded, std::string(what));
  }

  // Another index that is being filled.
  bool IsBusy(std::string_view but) const {
    return std::any_of(before_.indexes.begin(), before_.indexes.end(), [&](const auto& index) {
      return index.name != but && !is_complete_(index.id);
    });
  }

  IndexDefinition* Find(const IndexRequest& request, std::string_view verb) {
    const auto at = std::find_if(definition_.indexes.begin(), definition_.indexes.end(),
                                 [&](const auto& index) { return index.name == request.name; });
    if (at == definition_.indexes.end()) {
      Fail(
          error_, ErrorType::kResourceNotFound,
          "Requested resource not found: Index " + request.name + " for table " + definition_.name);
      return nullptr;
    }
    if (!at->local) return &*at;
    FailValidation(error_, "Cannot " + std::string(verb) +
                               " an index that is not a GlobalSecondaryIndex: " + request.name);
    return nullptr;
  }

  // The request's attribute definitions, and the table's of which it does not speak.
  bool Attributes(const IndexRequest& request, std::vector<NamedWord>& attributes) {
    if (!updates_.has_attributes)
      return Invalidate("AttributeDefinitions is not specified for index: " + request.name);
    attributes = updates_.attributes;
    for (const item::KeyAttribute& known : AttributesOf(before_)) {
      const std::string type(TypeName(known.type));
      const auto at = std::find_if(attributes.begin(), attributes.end(),
                                   [&](const NamedWord& one) { return one.name == known.name; });
      if (at == attributes.end()) {
        attributes.push_back({known.name, type});
      } else if (at->word != type && !Redefined(request, known.name, type, at->word)) {
        return false;
      }
    }
    return true;
  }

  // Only an attribute of the new index's key is looked at.
  bool Redefined(const IndexRequest& request, const std::string& name, const std::string& known,
                 const std::string& given) {
    const auto key = std::find_if(request.keys.begin(), request.keys.end(),
                                  [&](const NamedWord& one) { return one.name == name; });
    if (key == request.keys.end()) return true;
    const auto schema = [&](const std::string& type) {
      return "Schema:[SchemaElement: key{" + name + ":" + type + ":" + key->word + "}]";
    };
    return Invalidate(
        "Attributes cannot be redefined. Please check that your attribute has the same type as "
        "previously defined. Existing schema: " +
        schema(known) + " New schema: " + schema(given));
  }

  bool Create(const IndexRequest& request) {
    if (definition_.FindIndex(request.name))
      return FailValidation(error_, "Attempting to create an index which already exists");
    IndexDefinition index;
    std::vector<NamedWord> attributes;
    if (!Attributes(request, attributes) || !BuildIndex(request, attributes, index, error_) ||
        !CheckThroughput(request, /*required=*/true))
      return false;
    if (IsBusy(request.name)) return Limit(kOneOnline);
    size_t global = 1;
    size_t included = index.included.size();
    for (const IndexDefinition& other : definition_.indexes) {
      global += other.local ? 0 : 1;
      included += other.included.size();
    }
    if (global > table::kGlobalIndexesMax)
      return Limit(
          "Subscriber limit exceeded: Number of global secondary indexes exceeds per-table limit "
          "of 20");
    if (included > table::kIncludedAttributesMax)
      return Invalidate(
          "Number of NonKeyAttributes of all indexes exceeds the per-table limit of 100");
    states_.status[index.name] = "CREATING";
    states_.indexes.push_back(index);
    definition_.indexes.push_back(std::move(index));
    return true;
  }

  bool Delete(const IndexRequest& request) {
    const IndexDefinition* index = Find(request, "delete");
    if (!index) return false;
    if (IsBusy(request.name)) return Limit(kOneOnline);
    states_.status[request.name] = "DELETING";
    definition_.indexes.erase(definition_.indexes.begin() + (index - definition_.indexes.data()));
    return true;
  }

  bool CheckThroughput(const IndexRequest& request, bool required) {
    const bool on_demand = definition_.billing == BillingMode::kPayPerRequest;
    if (on_demand && request.throughput)
      return Invalidate(
          "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for "
          "index: " +
          request.name + " when BillingMode is PAY_PER_REQUEST");
    if (!on_demand && required && !request.throughput)
      return Invalidate(
          "Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: " +
          request.name);
    return true;
  }

  bool Update(const IndexRequest& request) {
    IndexDefinition* index = Find(request, "update");
    if (!index || !CheckThroughput(request, /*required=*/true)) return false;
    if (!request.throughput) return true;
    const auto [read, write] = *request.throughput;
    if (index->read_units == read && index->write_units == write)
      return FailValidation(error_, WillNotChange(*index));
    index->read_units = read;
    index->write_units = write;
    states_.status[request.name] = "UPDATING";
    return true;
  }

  static std::string WillNotChange(const IndexDefinition& index) {
    const std::string read = std::to_string(index.read_units);
    const std::string write = std::to_string(index.write_units);
    return "The provisioned throughput for the index " + index.name +
           " will not change. The requested value equals the current value. Current "
           "ReadCapacityUnits provisioned for index " +
           index.name + ": " + read + ". Requested ReadCapacityUnits: " + read +
           ". Current WriteCapacityUnits provisioned for index " + index.name + ": " + write +
           ". Requested WriteCapacityUnits: " + write +
           ". Refer to the Amazon DynamoDB Developer Guide for current limits and how to request "
           "higher limits.";
  }

  // A switch of the billing mode concerns every global index.
  bool Billing() {
    if (before_.billing == definition_.billing) return true;
    for (IndexDefinition& index : definition_.indexes) {
      if (index.local) continue;
      if (definition_.billing == BillingMode::kPayPerRequest) {
        index.read_units = index.write_units = 0;
      } else if (index.read_units == 0) {
        return Invalidate("ProvisionedThroughput must be specified for index: " + index.name);
      }
    }
    return true;
  }

  const IndexUpdates& updates_;
  const TableDefinition& before_;
  const std::function<bool(IndexId)>& is_complete_;
  TableDefinition& definition_;
  IndexStates& states_;
  ApiError& error_;
};

}  // namespace

bool IndexUpdates::Changes() const {
  return std::any_of(list.begin(), list.end(),
                     [](const IndexUpdate& update) { return update.kind != Kind::kUpdate; });
}

bool ReadIndexUpdates(const Params& params, IndexUpdates& out, Violations& violations,
                      ApiError& error) {
  out.has_attributes = params.Has(Param::kAttributeDefinitions);
  if (out.has_attributes && !ReadAttributeDefinitions(params, out.attributes, violations, error))
    return false;
  std::optional<dom::array> array;
  if (!params.Array(Param::kGlobalSecondaryIndexUpdates, array, error)) return false;
  out.present = array.has_value();
  if (!array) return true;
  for (const dom::element element : *array) {
    IndexUpdate& update = out.list.emplace_back();
    const std::string path =
        "globalSecondaryIndexUpdates." + std::to_string(out.list.size()) + ".member";
    if (!ReadOne(element, path, update, violations, error)) return false;
  }
  return true;
}

bool CheckIndexUpdates(const IndexUpdates& updates, ApiError& error) {
  if (updates.present && updates.empty())
    return FailValidation(error, Invalid("List of GlobalSecondaryIndexUpdates is empty"));
  std::set<std::string> names;
  size_t changes = 0;
  for (const IndexUpdate& update : updates.list) {
    if (update.kinds == 0)
      return FailValidation(error, Invalid("One of GlobalSecondaryIndexUpdate.Update, "
                                           "GlobalSecondaryIndexUpdate.Create, "
                                           "GlobalSecondaryIndexUpdate.Delete must not be null"));
    if (update.kinds > 1)
      return FailValidation(error, Invalid("Only one global secondary index action is allowed per "
                                           "GlobalSecondaryIndexUpdate object"));
    if (!names.insert(update.request.name).second)
      return FailValidation(error, Invalid("Only one global secondary index update per index is "
                                           "allowed simultaneously. Index: " +
                                           update.request.name));
    if (!CheckUnits(update.request.throughput, " for index " + update.request.name, error))
      return false;
    changes += update.kind == Kind::kUpdate ? 0 : 1;
  }
  if (changes > 1) return Fail(error, ErrorType::kLimitExceeded, std::string(kOneOnline));
  return true;
}

bool ApplyIndexUpdates(const IndexUpdates& updates, const TableDefinition& before,
                       const std::function<bool(IndexId)>& is_complete, TableDefinition& definition,
                       IndexStates& states, ApiError& error) {
  return Applier(updates, before, is_complete, definition, states, error).Run();
}

}  // namespace everwrite::api
