-- UpdateItem as in update.lua, with expressions whose texts never come again
local d = require "dynamo"
d.run { { 1, d.updatenew } }
