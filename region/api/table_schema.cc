#include "region/api/table_schema.h"

#include <algorithm>
#include <map>
#include <set>

#include "region/api/item_request.h"

namespace everwrite::api {
namespace {

namespace dom = simdjson::dom;
using table::BillingMode;
using table::IndexDefinition;
using table::Projection;
using table::TableDefinition;

constexpr uint64_t kUnitsMax = 1000000000000;  // the service's bound on provisioned throughput
constexpr size_t kKeyNameMax = 255;
constexpr size_t kNonKeyAttributesMax = 20;  // of one index

bool ReadNamedWords(const Params& params, Param list, Param word, const std::string& path,
                    std::string_view word_path, std::string_view set, std::vector<NamedWord>& out,
                    Violations& violations, ApiError& error) {
  std::optional<dom::array> array;
  if (!params.Array(list, array, error)) return false;
  violations.Required(array.has_value(), path);
  if (!array) return true;
  for (const dom::element element : *array) {
    dom::object object;
    if (!ReadObject(element, "class com.amazonaws.dynamodb.v20120810.KeySchemaElement", object,
                    error))
      return false;
    const Params members(object);
    std::string_view name, kind;
    if (!members.Text(Param::kAttributeName, name, error) || !members.Text(word, kind, error))
      return false;
    out.push_back({std::string(name), std::string(kind)});
    const std::string prefix = path + "." + std::to_string(out.size()) + ".member.";
    violations.Required(name.data(), prefix + "attributeName");
    if (name.data() && name.empty())
      violations.Add(name, prefix + "attributeName",
                     "Member must have length greater than or equal to 1");
    if (name.size() > kKeyNameMax)
      violations.Add(name, prefix + "attributeName",
                     "Member must have length less than or equal to 255");
    violations.Required(kind.data(), prefix + std::string(word_path));
    violations.OneOf(kind, prefix + std::string(word_path), set);
  }
  return true;
}

std::string JoinNames(const std::vector<NamedWord>& list) {
  std::string text = "[";
  for (const NamedWord& one : list) {
    if (text.size() > 1) text += ", ";
    text += one.name;
  }
  return text + "]";
}

std::string JoinStrings(const std::vector<std::string>& list) {
  std::string text = "[";
  for (const std::string& one : list) {
    if (text.size() > 1) text += ", ";
    text += one;
  }
  return text + "]";
}

bool ReadProjection(const Params& params, const std::string& path, IndexRequest& out,
                    Violations& violations, ApiError& error) {
  std::optional<dom::object> object;
  if (!params.Object(Param::kProjection, "class com.amazonaws.dynamodb.v20120810.Projection",
                     object, error))
    return false;
  violations.Required(object.has_value(), path);
  if (!object) return true;
  const Params members(*object);
  std::string_view type;
  std::optional<dom::array> names;
  if (!members.Text(Param::kProjectionType, type, error) ||
      !members.Array(Param::kNonKeyAttributes, names, error))
    return false;
  violations.OneOf(type, path + ".projectionType", "[ALL, INCLUDE, KEYS_ONLY]");
  out.projection = type;
  if (!names) return true;
  out.included.emplace();
  for (const dom::element element : *names) {
    std::string_view name;
    if (!ReadText(element, name, error)) return false;
    out.included->emplace_back(name);
  }
  const std::string list = path + ".nonKeyAttributes";
  if (out.included->empty())
    violations.Add("[]", list, "Member must have length greater than or equal to 1");
  if (out.included->size() > kNonKeyAttributesMax)
    violations.Add(JoinStrings(*out.included), list,
                   "Member must have length less than or equal to 20");
  for (const std::string& name : *out.included) {
    if (!name.empty() && name.size() <= kKeyNameMax) continue;
    violations.Add(JoinStrings(*out.included), list,
                   "Member must satisfy constraint: [Member must have length less than or equal to "
                   "255, Member must have length greater than or equal to 1]");
    break;
  }
  return true;
}

bool ReadIndexList(const Params& params, Param param, const std::string& path, bool local,
                   bool& present, std::vector<IndexRequest>& out, Violations& violations,
                   ApiError& error) {
  std::optional<dom::array> array;
  if (!params.Array(param, array, error)) return false;
  present = array.has_value();
  if (!array) return true;
  for (const dom::element element : *array) {
    dom::object object;
    if (!ReadObject(element, "class com.amazonaws.dynamodb.v20120810.SecondaryIndex", object,
                    error))
      return false;
    IndexRequest& index = out.emplace_back();
    index.local = local;
    if (!ReadIndex(Params(object), path + "." + std::to_string(out.size()) + ".member", index,
                   violations, error))
      return false;
  }
  return true;
}

const NamedWord* FindNamed(const std::vector<NamedWord>& list, std::string_view name) {
  for (const NamedWord& one : list)
    if (one.name == name) return &one;
  return nullptr;
}

item::KeyAttribute KeyAttributeOf(const NamedWord& definition) {
  return {definition.name, definition.word == "S"   ? item::KeyType::kString
                           : definition.word == "N" ? item::KeyType::kNumber
                                                    : item::KeyType::kBinary};
}

bool CheckDefined(const std::vector<NamedWord>& attributes, const std::vector<NamedWord>& keys,
                  ApiError& error) {
  for (const NamedWord& key : keys) {
    if (FindNamed(attributes, key.name)) continue;
    return FailValidation(
        error, Invalid("Some index key attributes are not defined in AttributeDefinitions. Keys: " +
                       JoinNames(keys) + ", AttributeDefinitions: " + JoinNames(attributes)));
  }
  return true;
}

// The key of a table or a local index: HASH, or HASH and RANGE.
bool CheckPlainKey(const std::vector<NamedWord>& keys, ApiError& error) {
  if (keys.size() == 2 && keys[0].name == keys[1].name)
    return FailValidation(
        error, "Both the Hash Key and the Range Key element in the KeySchema have the same name");
  if (keys[0].word != "HASH")
    return FailValidation(error,
                          "Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
  if (keys.size() == 2 && keys[1].word != "RANGE")
    return FailValidation(error,
                          "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
  return true;
}

bool IsPlain(const std::vector<NamedWord>& keys) {
  return keys.size() == 1 || (keys.size() == 2 && keys[1].word == "RANGE");
}

// The key of a global index: up to four HASH, then up to four RANGE.
bool CheckCompositeKey(const std::vector<NamedWord>& keys, ApiError& error) {
  if (IsPlain(keys)) return CheckPlainKey(keys, error);
  if (keys[0].word != "HASH") return CheckPlainKey(keys, error);
  std::set<std::string_view> names;
  std::map<std::string_view, size_t> kinds;
  bool sorted = true;
  for (const NamedWord& key : keys) {
    if (!names.insert(key.name).second)
      return FailValidation(error,
                            "The KeySchema contains multiple key attributes with the same name");
    sorted &= key.word == "RANGE" || kinds["RANGE"] == 0;
    ++kinds[key.word];
  }
  if (!sorted)
    return FailValidation(error, Invalid("All HASH key attributes must precede RANGE key "
                                         "attributes in the KeySchema"));
  for (const char* kind : {"HASH", "RANGE"}) {
    if (kinds[kind] <= item::kCompositeAttributesMax) continue;
    return FailValidation(error, Invalid("The KeySchema exceeds the maximum allowed number of " +
                                         std::string(kind) + " key attributes"));
  }
  return true;
}

bool CheckLocalKey(const IndexRequest& index, const std::string& table_hash, ApiError& error) {
  if (index.keys.size() != 2)
    return FailValidation(
        error, Invalid("Index KeySchema does not have a range key for index: " + index.name));
  if (index.keys[0].name == table_hash) return true;
  return FailValidation(error, Invalid("Index KeySchema does not have the same leading hash key as "
                                       "table KeySchema for index: " +
                                       index.name + ". index hash key: " + index.keys[0].name +
                                       ", table hash key: " + table_hash));
}

bool BuildProjection(const IndexRequest& request, IndexDefinition& index, ApiError& error) {
  const std::string& type = request.projection;
  if (type.empty()) return FailValidation(error, Invalid("Unknown ProjectionType: null"));
  if (type != "INCLUDE" && request.included)
    return FailValidation(
        error, Invalid("ProjectionType is " + type + ", but NonKeyAttributes is specified"));
  index.projection = type == "ALL"         ? Projection::kAll
                     : type == "KEYS_ONLY" ? Projection::kKeysOnly
                                           : Projection::kInclude;
  if (type != "INCLUDE") return true;
  if (!request.included)
    return FailValidation(
        error, Invalid("ProjectionType is INCLUDE, but NonKeyAttributes is not specified"));
  index.included = *request.included;
  std::sort(index.included.begin(), index.included.end());
  const auto twice = std::adjacent_find(index.included.begin(), index.included.end());
  if (twice == index.included.end()) return true;
  return FailValidation(error, Invalid("Duplicate element in NonKeyAttributes: " + *twice));
}

bool CheckIndexThroughput(const IndexRequest& index, BillingMode billing, ApiError& error) {
  if (index.local) return true;
  if (billing == BillingMode::kPayPerRequest && index.throughput)
    return FailValidation(
        error, Invalid("ProvisionedThroughput should not be specified for index: " + index.name +
                       " when BillingMode is PAY_PER_REQUEST"));
  if (billing == BillingMode::kProvisioned && !index.throughput)
    return FailValidation(
        error, Invalid("ProvisionedThroughput is not specified for index: " + index.name));
  return CheckUnits(index.throughput, " for index " + index.name, error);
}

// Every attribute that is defined is part of a key: told before indexes are looked at when there
// are none, else after.
bool CheckAllUsed(const SchemaRequest& request, bool indexed, ApiError& error) {
  if (indexed != (request.has_local || request.has_global)) return true;
  std::vector<NamedWord> used = request.keys;
  for (const auto* indexes : {&request.local, &request.global})
    for (const IndexRequest& index : *indexes)
      for (const NamedWord& key : index.keys)
        if (!FindNamed(used, key.name)) used.push_back(key);
  for (const NamedWord& attribute : request.attributes) {
    if (FindNamed(used, attribute.name)) continue;
    if (!indexed)
      return FailValidation(
          error, Invalid("Number of attributes in KeySchema does not exactly match number of "
                         "attributes defined in AttributeDefinitions"));
    return FailValidation(
        error, Invalid("Some AttributeDefinitions are not used. "
                       "AttributeDefinitions: " +
                       JoinNames(request.attributes) + ", keys used: " + JoinNames(used)));
  }
  return true;
}

bool CheckTableKey(const SchemaRequest& request, ApiError& error) {
  for (size_t i = 0; i < request.attributes.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (request.attributes[i].name == request.attributes[j].name)
        return FailValidation(error, "Attribute Name is duplicated: " + request.attributes[i].name);
  if (request.keys.size() > request.attributes.size())
    return FailValidation(error, "Invalid KeySchema: Some index key attribute have no definition");
  return CheckDefined(request.attributes, request.keys, error) &&
         CheckPlainKey(request.keys, error);
}

bool CheckLists(const SchemaRequest& request, ApiError& error) {
  if (request.has_local && request.local.empty())
    return FailValidation(error, Invalid("List of LocalSecondaryIndexes is empty"));
  if (request.has_local && request.keys.size() != 2)
    return FailValidation(error, Invalid("Table KeySchema does not have a range key, which is "
                                         "required when specifying a LocalSecondaryIndex"));
  if (request.has_global && request.global.empty())
    return FailValidation(error, Invalid("List of GlobalSecondaryIndexes is empty"));
  return true;
}

}  // namespace

std::string Invalid(std::string_view what) { return std::string(kInvalidParameters).append(what); }

std::string_view TypeName(item::KeyType type) {
  constexpr std::string_view kNames[] = {"S", "N", "B"};
  return kNames[static_cast<size_t>(type)];
}

bool ReadThroughput(const Params& params, std::string_view path, std::optional<Throughput>& out,
                    Violations& violations, ApiError& error) {
  std::optional<dom::object> object;
  if (!params.Object(Param::kProvisionedThroughput,
                     "class com.amazonaws.dynamodb.v20120810.ProvisionedThroughput", object, error))
    return false;
  if (!object) return true;
  const Params units(*object);
  std::optional<int64_t> read, write;
  if (!units.Integer(Param::kWriteCapacityUnits, write, error) ||
      !units.Integer(Param::kReadCapacityUnits, read, error))
    return false;
  const std::string prefix(path);
  violations.Required(write.has_value(), prefix + ".writeCapacityUnits");
  violations.AtLeast(write, prefix + ".writeCapacityUnits", 1);
  violations.Required(read.has_value(), prefix + ".readCapacityUnits");
  violations.AtLeast(read, prefix + ".readCapacityUnits", 1);
  if (read && write && *read > 0 && *write > 0)
    out = {static_cast<uint64_t>(*read), static_cast<uint64_t>(*write)};
  return true;
}

bool ReadAttributeDefinitions(const Params& params, std::vector<NamedWord>& out,
                              Violations& violations, ApiError& error) {
  return ReadNamedWords(params, Param::kAttributeDefinitions, Param::kAttributeType,
                        "attributeDefinitions", "attributeType", "[B, N, S]", out, violations,
                        error);
}

bool ReadKeySchema(const Params& params, const std::string& path, bool plain,
                   std::vector<NamedWord>& out, Violations& violations, ApiError& error) {
  if (!ReadNamedWords(params, Param::kKeySchema, Param::kKeyType, path, "keyType", "[HASH, RANGE]",
                      out, violations, error))
    return false;
  const bool too_long = plain && out.size() > 2;
  if (!params.Has(Param::kKeySchema) || (!out.empty() && !too_long)) return true;
  std::string text = "[";
  for (const NamedWord& key : out) {
    if (text.size() > 1) text += ", ";
    text.append("KeySchemaElement(attributeName=").append(key.name);
    text.append(", keyType=").append(key.word).append(")");
  }
  violations.Add(text + "]", path,
                 out.empty() ? "Member must have length greater than or equal to 1"
                             : "Member must have length less than or equal to 2");
  return true;
}

bool ReadIndex(const Params& params, const std::string& path, IndexRequest& out,
               Violations& violations, ApiError& error) {
  std::string_view name;
  if (!ReadKeySchema(params, path + ".keySchema", out.local, out.keys, violations, error) ||
      !ReadProjection(params, path + ".projection", out, violations, error) ||
      !params.Text(Param::kIndexName, name, error))
    return false;
  violations.Required(name.data(), path + ".indexName");
  violations.Name(name, path + ".indexName");
  out.name = name;
  return out.local ||
         ReadThroughput(params, path + ".provisionedThroughput", out.throughput, violations, error);
}

bool ReadIndexes(const Params& params, SchemaRequest& out, Violations& violations,
                 ApiError& error) {
  return ReadIndexList(params, Param::kLocalSecondaryIndexes, "localSecondaryIndexes",
                       /*local=*/true, out.has_local, out.local, violations, error) &&
         ReadIndexList(params, Param::kGlobalSecondaryIndexes, "globalSecondaryIndexes",
                       /*local=*/false, out.has_global, out.global, violations, error);
}

bool BuildIndex(const IndexRequest& request, const std::vector<NamedWord>& attributes,
                IndexDefinition& index, ApiError& error) {
  if (!CheckDefined(attributes, request.keys, error) ||
      !(request.local ? CheckPlainKey(request.keys, error)
                      : CheckCompositeKey(request.keys, error)))
    return false;
  index.name = request.name;
  index.local = request.local;
  for (const NamedWord& key : request.keys)
    (key.word == "HASH" ? index.key.partition : index.key.sort)
        .push_back(KeyAttributeOf(*FindNamed(attributes, key.name)));
  if (request.throughput) {
    index.read_units = request.throughput->read;
    index.write_units = request.throughput->write;
  }
  return BuildProjection(request, index, error);
}

bool BuildSchema(const SchemaRequest& request, BillingMode billing, TableDefinition& definition,
                 ApiError& error) {
  if (!CheckTableKey(request, error) || !CheckAllUsed(request, false, error) ||
      !CheckLists(request, error))
    return false;
  const std::vector<NamedWord>& keys = request.keys;
  definition.key.partition = KeyAttributeOf(*FindNamed(request.attributes, keys[0].name));
  if (keys.size() == 2)
    definition.key.sort = KeyAttributeOf(*FindNamed(request.attributes, keys[1].name));
  size_t included = 0;
  for (const auto* indexes : {&request.local, &request.global}) {
    for (const IndexRequest& one : *indexes) {
      IndexDefinition index;
      if (!BuildIndex(one, request.attributes, index, error) ||
          (one.local && !CheckLocalKey(one, keys[0].name, error)))
        return false;
      if (definition.FindIndex(one.name))
        return FailValidation(error, Invalid("Duplicate index name: " + one.name));
      if (!CheckIndexThroughput(one, billing, error)) return false;
      included += index.included.size();
      definition.indexes.push_back(std::move(index));
    }
  }
  if (request.local.size() > table::kLocalIndexesMax)
    return FailValidation(error,
                          Invalid("Number of LocalSecondaryIndexes exceeds per-table limit of 5"));
  if (request.global.size() > table::kGlobalIndexesMax)
    return FailValidation(error,
                          Invalid("GlobalSecondaryIndex count exceeds the per-table limit of 20"));
  if (included > table::kIncludedAttributesMax)
    return FailValidation(error, Invalid("Number of NonKeyAttributes of all indexes exceeds the "
                                         "per-table limit of 100"));
  return CheckAllUsed(request, true, error);
}

std::vector<item::KeyAttribute> AttributesOf(const TableDefinition& definition) {
  std::map<std::string, item::KeyType> attributes;
  attributes[definition.key.partition.name] = definition.key.partition.type;
  if (definition.key.sort) attributes[definition.key.sort->name] = definition.key.sort->type;
  for (const IndexDefinition& index : definition.indexes)
    for (const auto* keys : {&index.key.partition, &index.key.sort})
      for (const item::KeyAttribute& key : *keys) attributes[key.name] = key.type;
  std::vector<item::KeyAttribute> list;
  for (const auto& [name, type] : attributes) list.push_back({name, type});
  return list;
}

bool CheckUnits(const std::optional<Throughput>& throughput, const std::string& where,
                ApiError& error) {
  if (!throughput) return true;
  for (const auto& [units, name] : {std::pair(throughput->read, "ReadCapacityUnits"),
                                    std::pair(throughput->write, "WriteCapacityUnits")}) {
    if (units <= kUnitsMax) continue;
    return FailValidation(error, "Given value " + std::to_string(units) + " for " + name +
                                     " is out of bounds" + where);
  }
  return true;
}

}  // namespace everwrite::api
