#include "region/api/operations.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace everwrite::api {
namespace {

TEST(OperationsTest, AreFoundByTheirTarget) {
  for (size_t i = 1; i < OperationCount(); ++i) {
    const std::string name(OperationAt(i).name);
    const bool of_streams = OperationAt(i).of_streams;
    EXPECT_EQ(FindOperation("DynamoDB_20120810." + name), of_streams ? kUnknownOperation : i);
    EXPECT_EQ(FindOperation("DynamoDBStreams_20120810." + name),
              of_streams ? i : kUnknownOperation);
    EXPECT_EQ(FindOperation(name), kUnknownOperation);
  }
  EXPECT_EQ(FindOperation("DynamoDB_20120810.getItem"), kUnknownOperation);
}

TEST(OperationsTest, TheDocumentTellsWhatTheTableTells) {
  const std::string path = EVERWRITE_SOURCE_DIR "/docs/api-coverage.md";
  if (std::getenv("EVERWRITE_UPDATE_DOCS") != nullptr) std::ofstream(path) << ApiCoverage();
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(text, ApiCoverage()) << "EVERWRITE_UPDATE_DOCS=1 ctest -R '^api$' writes it";
}

}  // namespace
}  // namespace everwrite::api
