// What the item operations share in reading their requests: the table, keys, items, and the options
// that say what is answered. Includes simdjson: for .cc files of this folder only.
//
// Thread-safety: pure functions over one request.
#pragma once

#include <string>
#include <string_view>

#include "region/api/api_error.h"
#include "region/api/call.h"
#include "region/api/capacity.h"
#include "region/api/request_json.h"
#include "region/item/item.h"
#include "region/table/engine.h"

namespace everwrite::api {

constexpr std::string_view kInvalidParameters = "One or more parameter values were invalid: ";

enum class ReturnValues : uint8_t { kNone, kAllOld, kUpdatedOld, kAllNew, kUpdatedNew };

// TableName, ReturnConsumedCapacity and the like of one request. Views into the request.
struct ItemRequest {
  std::string_view table_name;
  CapacityReport capacity = CapacityReport::kNone;
  ReturnValues return_values = ReturnValues::kNone;
  bool item_on_failure = false;  // ReturnValuesOnConditionCheckFailure: ALL_OLD
  bool consistent = false;
  bool collection_metrics = false;  // ReturnItemCollectionMetrics: SIZE
};

// Reads all of the above that is there, with the violations in the service's order. `item` is the
// parameter that must be there beside the table (Key or Item); kCount for none.
bool ReadItemRequest(const Params& params, Param item, Violations& violations, ItemRequest& out,
                     ApiError& error);

// The compact item of Key or Item.
bool ReadItemParam(const Params& params, Param param, std::string& out, ApiError& error);

// ResourceNotFoundException "Requested resource not found" when there is none.
bool FindTableOf(const Call& call, std::string_view name, table::TablePtr& table, ApiError& error);

// The encoded key of an item to be put, which the table and its indexes must be able to hold.
Result<std::string> EncodeKeyOfPut(const table::Table& table, item::ItemView item);
// The same of an item as an update leaves it, but for its key, which no update changes.
Status CheckUpdated(const table::Table& table, item::ItemView item);

// {"ItemCollectionKey":{…},"SizeEstimateRangeGB":[0.0,1.0]} of the item or key; nothing, and false,
// for a table without local indexes.
bool AppendItemCollection(std::string& out, const table::TableEngine& engine,
                          const table::Table& table, item::ItemView item);

// Appends `"name":` with a comma before it unless the object was just opened.
void AppendMember(std::string& out, std::string_view name);

}  // namespace everwrite::api
