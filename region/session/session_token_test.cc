#include "region/session/session_token.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace everwrite::session {
namespace {

using conflict::Vector;

Vector RandomVector(Random& random, size_t logs_max) {
  Vector vector;
  for (size_t i = random.Below(logs_max + 1); i > 0; --i)
    vector.Raise({LogId::Make(RegionId{static_cast<uint16_t>(1 + random.Below(5))}, random.Next()),
                  1 + (random.Next() >> random.Below(64))});
  return vector;
}

TEST(SessionTokens, ComeBackAsTheVectorTheyWereMadeOf) {
  const SessionTokens tokens("shop", "0123456789abcdef");
  Random random(1);
  for (int i = 0; i < 500; ++i) {
    const Vector vector = RandomVector(random, 8);
    const std::string token = tokens.Encode(vector);
    EXPECT_EQ(
        token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
        std::string::npos);
    const auto decoded = tokens.Decode(token);
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(*decoded, vector);
  }
}

TEST(SessionTokens, AreSmall) {
  Vector vector;
  for (uint16_t region = 1; region <= 3; ++region)
    vector.Raise({LogId::Make(RegionId{region}, ~0ULL), 1'000'000'000});
  EXPECT_LE(SessionTokens("shop", "").Encode(vector).size(), 72u);
}

// Logs of former lives stay in the vector (decision 0061). A token that a region gives is read
// back.
TEST(SessionTokens, GrowWithFinishedLogsAndFiveHundredAreStillRead) {
  const SessionTokens tokens("shop", "");
  Random random(4);
  Vector vector;
  for (size_t finished = 0; finished <= 500; ++finished) {
    vector.Set(LogId::Make(RegionId{1}, random.Next()), 1 + random.Below(1'000'000));
    if (finished != 0 && finished != 1 && finished != 5 && finished != 20 && finished != 100 &&
        finished != 500)
      continue;
    const std::string token = tokens.Encode(vector);
    std::printf("%3zu finished logs: a token of %zu characters\n", finished, token.size());
    EXPECT_LE(token.size(), 40 + 16 * (finished + 1));
    const auto read = tokens.Decode(token);
    ASSERT_TRUE(read.ok()) << finished;
    EXPECT_EQ(*read, vector);
  }
}

TEST(SessionTokens, WithAnyCharacterChangedCutOrAddedAreRefused) {
  const SessionTokens tokens("shop", "0123456789abcdef");
  Random random(2);
  const std::string token = tokens.Encode(RandomVector(random, 3));
  for (size_t i = 0; i < token.size(); ++i) {
    for (const char c : {'A', 'b', '0', '-', '=', ' ', '\0', '\xff'}) {
      std::string other = token;
      if (other[i] == c) continue;
      other[i] = c;
      EXPECT_FALSE(tokens.Decode(other).ok()) << i;
    }
    EXPECT_FALSE(tokens.Decode(token.substr(0, i)).ok());
    EXPECT_FALSE(tokens.Decode(token.substr(i + 1)).ok());
  }
  for (const char* more : {"A", "AA", "AAAA", "="}) EXPECT_FALSE(tokens.Decode(token + more).ok());
  EXPECT_FALSE(tokens.Decode(std::string(1 << 20, 'A')).ok());
}

TEST(SessionTokens, OfAnotherClusterOrKeyAreRefused) {
  Vector vector;
  vector.Raise({LogId::Make(RegionId{1}, 5), 7});
  const std::string ours = SessionTokens("shop", "0123456789abcdef").Encode(vector);
  EXPECT_TRUE(SessionTokens("other name", "0123456789abcdef").Decode(ours).ok());
  EXPECT_FALSE(SessionTokens("shop", "0123456789abcdeg").Decode(ours).ok());
  EXPECT_FALSE(SessionTokens("shop", "").Decode(ours).ok());
  EXPECT_FALSE(SessionTokens("bank", "").Decode(SessionTokens("shop", "").Encode(vector)).ok());
}

TEST(SessionTokens, SeveralCoverWhatEachCovers) {
  const SessionTokens tokens("shop", "");
  Vector a, b;
  a.Raise({LogId::Make(RegionId{1}, 5), 7});
  a.Raise({LogId::Make(RegionId{2}, 5), 1});
  b.Raise({LogId::Make(RegionId{2}, 5), 9});
  const auto both = tokens.DecodeAll(tokens.Encode(a) + " , " + tokens.Encode(b));
  ASSERT_TRUE(both.ok());
  Vector merged = a;
  merged.Merge(b);
  EXPECT_EQ(*both, merged);

  EXPECT_FALSE(tokens.DecodeAll("").ok());
  EXPECT_FALSE(tokens.DecodeAll(tokens.Encode(a) + ",").ok());
  EXPECT_FALSE(tokens.DecodeAll(tokens.Encode(a) + ",x").ok());
  std::string many = tokens.Encode(a);
  for (size_t i = 1; i < kTokensMax; ++i) many += "," + tokens.Encode(a);
  EXPECT_TRUE(tokens.DecodeAll(many).ok());
  EXPECT_FALSE(tokens.DecodeAll(many + "," + tokens.Encode(a)).ok());
}

}  // namespace
}  // namespace everwrite::session
