#include "cli/demo.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace everwrite::cli {
namespace {

constexpr const char* kTemporaryPrefix = "everwrite-demo-";

// Where clients go, and the region to name there.
std::string EndpointUrl(const ClusterView& view) {
  return "http://" + (view.gateway.empty() ? view.regions.front().endpoint : view.gateway);
}

}  // namespace

const std::string& DemoTopology() {
  static const std::string text = R"(# Written by `everwrite demo`.
cluster: demo
regions:
  - {name: us-east-1, id: 1, endpoint: "127.0.0.1:8100", admin: "127.0.0.1:8101", nats: "nats://127.0.0.1:8102", data: us-east-1}
  - {name: eu-west-1, id: 2, endpoint: "127.0.0.1:8200", admin: "127.0.0.1:8201", nats: "nats://127.0.0.1:8202", data: eu-west-1}
  - {name: ap-northeast-1, id: 3, endpoint: "127.0.0.1:8300", admin: "127.0.0.1:8301", nats: "nats://127.0.0.1:8302", data: ap-northeast-1}
links:
  - {between: [us-east-1, eu-west-1], latency: 40ms, jitter: 4ms}
  - {between: [us-east-1, ap-northeast-1], latency: 75ms, jitter: 5ms}
  - {between: [eu-west-1, ap-northeast-1], latency: 110ms, jitter: 8ms}
)";
  return text;
}

Result<std::string> MakeTemporaryFolder() {
  const char* const base = std::getenv("TMPDIR");
  std::string name = (base != nullptr && *base == '/' ? std::string(base) : std::string("/tmp")) +
                     "/" + kTemporaryPrefix + "XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) {
    return FailedPrecondition("cannot create " + name + ": " + std::strerror(errno));
  }
  return name;
}

void RemoveTemporaryFolder(const std::string& path) {
  // Never anything but what MakeTemporaryFolder made.
  if (path.find(std::string("/") + kTemporaryPrefix) == std::string::npos) return;
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

std::string EnvironmentLines(const ClusterView& view) {
  // AWS CLI 2.9 and boto3 1.26 (Debian 12) do not read AWS_ENDPOINT_URL: they need --endpoint-url.
  return "export AWS_ENDPOINT_URL=" + EndpointUrl(view) +
         "\nexport AWS_REGION=" + view.regions.front().name +
         "\nexport AWS_DEFAULT_REGION=" + view.regions.front().name +
         "\nexport AWS_ACCESS_KEY_ID=x\nexport AWS_SECRET_ACCESS_KEY=x\n";
}

std::string DemoInstructions(const ClusterView& view) {
  const std::string& first = view.regions.front().name;
  std::string text = "\nRegions, each with its own endpoint:\n";
  for (const RegionEndpoint& region : view.regions) {
    text += "  " + region.name + std::string(20 - std::min<size_t>(19, region.name.size()), ' ') +
            "http://" + region.endpoint + "   admin http://" + region.admin + "\n";
  }
  text += "One endpoint for all, by the region you sign for: " + EndpointUrl(view) + "\n\n";
  text += "Paste into another terminal (any credentials will do):\n\n";
  text += "  export AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x\n";
  text += "  alias ew='aws dynamodb --endpoint-url " + EndpointUrl(view) + "'\n";
  text += "  ew create-table --region " + first +
          " --table-name notes --billing-mode PAY_PER_REQUEST \\\n"
          "     --attribute-definitions AttributeName=id,AttributeType=S "
          "--key-schema AttributeName=id,KeyType=HASH\n";
  text += "  ew put-item --region " + first +
          " --table-name notes --item '{\"id\":{\"S\":\"1\"},\"text\":{\"S\":\"hello\"}}'\n";
  for (size_t i = 1; i < view.regions.size(); ++i) {
    text += "  ew get-item --region " + view.regions[i].name +
            " --table-name notes --key '{\"id\":{\"S\":\"1\"}}'\n";
  }
  if (view.regions.size() > 1) {
    text += "\nAnd then: everwrite status | everwrite link cut " + first + " " +
            view.regions[1].name +
            " | everwrite link heal | everwrite verify | everwrite conflicts list --region " +
            first + "\n";
  }
  return text + "Ctrl-C ends it.\n\n";
}

}  // namespace everwrite::cli
