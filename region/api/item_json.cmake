everwrite_module(NAME item_json
  SRCS base64.cc item_json.cc
  TESTS item_json_test.cc
  DEPS item
  LIBS simdjson::simdjson)
