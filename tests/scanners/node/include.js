// Prints what CDK makes of every template it loads, why it refused the others, and what AWS's own
// validator, which runs at the end of a synthesis, says about them.
"use strict";
const fs = require("fs");
const path = require("path");
const { included } = require("./app.js");

const { app, refused } = included();
const assembly = app.synth();
const report = path.join(assembly.directory, "validation-report.json");
const violations = JSON.parse(fs.readFileSync(report, "utf8"))
  .pluginReports.flatMap((plugin) => plugin.violations)
  .map(({ ruleName, description, violatingConstructs }) => ({
    rule: ruleName,
    description,
    paths: violatingConstructs.map(({ constructPath }) => constructPath),
  }));
const made = assembly.stacks.map(({ stackName, template }) => [stackName, template]);
console.log(JSON.stringify({ templates: Object.fromEntries(made), refused, violations }));
