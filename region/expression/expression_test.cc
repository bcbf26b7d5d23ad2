#include <gtest/gtest.h>

#include "region/expression/evaluator.h"
#include "region/expression/parser.h"

namespace everwrite::expression {
namespace {

TEST(ExpressionTest, AConditionIsParsedBoundAndEvaluated) {
  Result<ExpressionPtr> expression = Parse(Kind::kCondition, "#a > :v");
  ASSERT_TRUE(expression.ok()) << expression.status().message();
  item::ItemBuilder values, item;
  values.AddNumber(":v", "5");
  item.AddNumber("a", "12");
  Placeholders placeholders;
  ASSERT_TRUE(placeholders.AddName("#a", "a").ok());
  ASSERT_TRUE(placeholders.SetValues(values.Finish()).ok());
  Result<Binding> binding = Bind(*expression, placeholders);
  ASSERT_TRUE(binding.ok()) << binding.status().message();
  EXPECT_TRUE(placeholders.CheckAllUsed().ok());
  EXPECT_TRUE(Matches(*binding, item::ItemView(item.Finish())));
}

}  // namespace
}  // namespace everwrite::expression
