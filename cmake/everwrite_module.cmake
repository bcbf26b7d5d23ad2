# everwrite_module(NAME conflict
#   SRCS hybrid_clock.cc …      the module's own files
#   TESTS hybrid_clock_test.cc … one test binary, everwrite_<name>_test, run by CTest
#   DEPS base …                 other modules, by NAME (transitive)
#   LIBS rocksdb …              third-party libraries, private to the module
#   LABEL unit)                 CTest label of the tests; unit when left out
#
# Makes the static library everwrite_<name>. Dependencies point one way; tests/layering.txt is checked.
if(EVERWRITE_PCH)
  file(WRITE ${CMAKE_BINARY_DIR}/pch/pch.cc "")
  file(WRITE ${CMAKE_BINARY_DIR}/pch/pch_test.cc "")
  set(standard_headers <algorithm> <array> <atomic> <chrono> <cstdint> <cstring> <deque> <functional>
      <map> <memory> <mutex> <optional> <set> <string> <string_view> <unordered_map> <utility>
      <variant> <vector>)
  add_library(everwrite_pch STATIC ${CMAKE_BINARY_DIR}/pch/pch.cc)
  target_link_libraries(everwrite_pch PRIVATE everwrite_options)
  target_precompile_headers(everwrite_pch PRIVATE ${standard_headers})
  add_library(everwrite_pch_test STATIC ${CMAKE_BINARY_DIR}/pch/pch_test.cc)
  target_link_libraries(everwrite_pch_test PRIVATE everwrite_options GTest::gtest)
  target_precompile_headers(everwrite_pch_test PRIVATE ${standard_headers} <gtest/gtest.h>)
endif()

function(everwrite_module)
  cmake_parse_arguments(M "" "NAME;LABEL" "SRCS;TESTS;DEPS;LIBS" ${ARGN})
  set(target everwrite_${M_NAME})
  add_library(${target} STATIC ${M_SRCS})
  target_link_libraries(${target} PUBLIC everwrite_options)
  foreach(dep ${M_DEPS})
    target_link_libraries(${target} PUBLIC everwrite_${dep})
  endforeach()
  target_link_libraries(${target} PRIVATE ${M_LIBS})
  if(EVERWRITE_PCH)
    target_precompile_headers(${target} REUSE_FROM everwrite_pch)
  endif()
  if(M_TESTS)
    if(NOT M_LABEL)
      set(M_LABEL unit)
    endif()
    add_executable(${target}_test ${M_TESTS})
    target_link_libraries(${target}_test PRIVATE ${target} GTest::gtest GTest::gtest_main ${M_LIBS})
    if(EVERWRITE_PCH)
      target_precompile_headers(${target}_test REUSE_FROM everwrite_pch_test)
    endif()
    add_test(NAME ${M_NAME} COMMAND ${target}_test WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${M_NAME} PROPERTIES LABELS ${M_LABEL} TIMEOUT 600)
  endif()
endfunction()

# everwrite_proto(NAME change_proto PROTO streams/proto/change.proto)
# Makes the library everwrite_<name> with the generated class, included as "streams/proto/change.pb.h".
# Only *_codec.cc files and tests use it.
find_package(Protobuf REQUIRED)
function(everwrite_proto)
  cmake_parse_arguments(P "" "NAME;PROTO" "" ${ARGN})
  string(REGEX REPLACE "\\.proto$" ".pb" base ${P_PROTO})
  set(out ${CMAKE_BINARY_DIR}/${base})
  add_custom_command(
    OUTPUT ${out}.cc ${out}.h
    COMMAND protobuf::protoc --proto_path=${CMAKE_SOURCE_DIR} --cpp_out=${CMAKE_BINARY_DIR} ${P_PROTO}
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
    DEPENDS ${CMAKE_SOURCE_DIR}/${P_PROTO})
  add_library(everwrite_${P_NAME} STATIC ${out}.cc ${out}.h)
  target_link_libraries(everwrite_${P_NAME} PUBLIC everwrite_options protobuf::libprotobuf)
endfunction()
