# The frames of the local link (Protobuf in link_codec.cc only).
everwrite_proto(NAME link_proto PROTO streams/proto/link.proto)
everwrite_module(NAME link_codec
  SRCS link_codec.cc
  TESTS link_codec_test.cc
  DEPS streams conflict base link_proto)
