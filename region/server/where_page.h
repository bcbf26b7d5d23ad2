// GET /where: where a write is visible, and what became of it.
//
//   ?session=TOKEN       which regions have all that the token covers
//   ?write=RECEIPT       what became of the write, and which regions have it
//   ?table=NAME&key=HEX  the version that stands there, which regions have it, and which lost to
//   it;
//                        the key is the hex of its DynamoDB JSON
//
// Of itself a region knows for certain; of the others what they said last (half a second ago, when
// they are connected), and it says when that was.
//
// Thread-safety: const.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "conflict/version.h"
#include "region/http/http_types.h"
#include "region/server/admin.h"
#include "region/table/write_fate.h"

namespace everwrite::server {

class WherePage {
 public:
  explicit WherePage(const AdminContext& context) : context_(context) {}
  http::HttpResponse Answer(std::string_view query) const;

 private:
  http::HttpResponse OfSession(std::string_view token) const;
  http::HttpResponse OfWrite(const conflict::Version& write) const;
  http::HttpResponse OfKey(std::string_view table, std::string_view key_hex) const;
  // [{region, state, missing, heard_ms}]: who has all that `wanted` covers.
  std::string Regions(const conflict::Vector& wanted) const;
  std::string WriteJson(const conflict::Version& write, const table::WriteFate& fate) const;
  std::string VersionJson(const conflict::Version& version, bool deletes) const;
  std::string NameOf(RegionId region) const;

  const AdminContext& context_;
};

}  // namespace everwrite::server
