// Content codings of HTTP bodies (RFC 9110, 8.4 and 12.5.3) as DynamoDB uses them: requests may
// come as gzip; answers of 4 KB and more go out as gzip or deflate to a client that asks.
//
// Thread-safety: pure functions; (de)compressors are kept a thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace everwrite::api {

enum class ContentCoding : uint8_t { kIdentity, kGzip, kDeflate };

// As in a Content-Encoding header.
std::string_view ContentCodingName(ContentCoding coding);

// An answer smaller than this goes out as it is, as the service's does.
constexpr size_t kEncodeFrom = 4096;

// What the client likes best of all its Accept-Encoding fields: the higher weight, then what is
// named before what "*" stands for, then the order of the list. "identity" is not weighed: whoever
// accepts a coding gets it. Feed the fields in their order.
class CodingChoice {
 public:
  void Add(std::string_view accept_encoding);
  ContentCoding Best() const;

 private:
  struct Wish {
    int weight = -1;  // in thousandths; -1: not named
    int place = 0;
  };
  Wish gzip_, deflate_, any_;
  int places_ = 0;
};

enum class DecodeResult : uint8_t { kDone, kDamaged, kTooLarge };

// The content of a gzip file of one or more members, at most `max` bytes, into `out`, which keeps
// its memory; `padding` readable bytes follow. Nothing but whole members is kDone.
DecodeResult DecodeGzip(std::string_view body, size_t max, size_t padding, std::string& out);

// kGzip or kDeflate (the zlib format, as RFC 9110 says).
std::string EncodeContent(ContentCoding coding, std::string_view body);

}  // namespace everwrite::api
