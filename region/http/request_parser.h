// RequestParser: Beast's HTTP/1.1 parser as this server uses it: heads into offsets, stricter than
// Beast where two readers could disagree about where a message ends.
//
// Includes Beast: for connection.cc only.
//
// Thread-safety: one request of one connection.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <boost/beast/http/basic_parser.hpp>

#include "region/http/http_server.h"

namespace everwrite::http {

namespace beast = boost::beast;

struct FieldOffsets {
  uint32_t name, name_size, value, value_size;
};

// Collects the head as offsets from the request's first byte, which survive a move of the buffer.
// Bodies with a length are not fed to it: they are taken from the buffer as they lie there.
class RequestParser final : public beast::http::basic_parser<true> {
 public:
  explicit RequestParser(const HttpServerOptions& options, std::vector<FieldOffsets>& fields,
                         std::string& chunked_body)
      : fields_(fields), chunked_body_(chunked_body) {
    fields_.clear();
    chunked_body_.clear();
    header_limit(static_cast<uint32_t>(options.head_bytes_max));
    body_limit(options.body_bytes_max);
  }

  // Where the request begins, and how much of it is there; before each put.
  void SetWindow(const char* base, size_t size) {
    base_ = base;
    size_ = size;
  }

  FieldOffsets method_and_target{};
  bool http_1_1 = false;
  bool unsupported_coding = false;
  bool expects_continue = false;

 private:
  using View = beast::string_view;

  void on_request_impl(beast::http::verb, View method, View target, int version,
                       boost::system::error_code&) override {
    http_1_1 = version == 11;
    method_and_target = {Offset(method), Size(method), Offset(target), Size(target)};
  }
  void on_response_impl(int, View, int, boost::system::error_code&) override {}

  void on_field_impl(beast::http::field field, View name, View value,
                     boost::system::error_code& ec) override {
    if (head_done_) return;  // trailers say nothing that we act on
    // A folded line is unfolded into a buffer of the parser's own; nothing else leaves the window.
    if (!value.empty() && (value.data() < base_ || value.data() >= base_ + size_)) {
      ec = beast::http::error::bad_value;
      return;
    }
    if (fields_.size() == kFieldsMax) {
      ec = beast::http::error::header_limit;
      return;
    }
    fields_.push_back({Offset(name), Size(name), Offset(value), Size(value)});
    if (field == beast::http::field::content_length) {
      // Beast takes "3, 3" for 3, as the RFC allows; another reader might not.
      if (++lengths_ > 1 || value.find(',') != View::npos)
        ec = beast::http::error::bad_content_length;
    } else if (field == beast::http::field::transfer_encoding) {
      if (!EqualsIgnoringCase({value.data(), value.size()}, "chunked")) {
        unsupported_coding = true;
        ec = beast::http::error::bad_transfer_encoding;
      }
    } else if (field == beast::http::field::expect) {
      expects_continue = EqualsIgnoringCase({value.data(), value.size()}, "100-continue");
    }
  }
  void on_header_impl(boost::system::error_code& ec) override {
    head_done_ = true;
    if (chunked() && !http_1_1) ec = beast::http::error::bad_transfer_encoding;
  }
  void on_body_init_impl(const boost::optional<uint64_t>&, boost::system::error_code&) override {}
  size_t on_body_impl(View body, boost::system::error_code&) override { return body.size(); }
  void on_chunk_header_impl(uint64_t, View, boost::system::error_code&) override {}
  size_t on_chunk_body_impl(uint64_t, View body, boost::system::error_code&) override {
    chunked_body_.append(body.data(), body.size());
    return body.size();
  }
  void on_finish_impl(boost::system::error_code&) override {}

  uint32_t Offset(View view) const {
    return view.empty() ? 0 : static_cast<uint32_t>(view.data() - base_);
  }
  static uint32_t Size(View view) { return static_cast<uint32_t>(view.size()); }

  std::vector<FieldOffsets>& fields_;
  std::string& chunked_body_;
  const char* base_ = nullptr;
  size_t size_ = 0;
  int lengths_ = 0;
  bool head_done_ = false;
};

}  // namespace everwrite::http
