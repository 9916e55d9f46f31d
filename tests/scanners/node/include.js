// Prints the templates as CDK synthesizes them, the errors of those that it refused, and the
// violations that AWS's validator reports at the end of the synthesis.
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
const synthesized = assembly.stacks.map(({ stackName, template }) => [stackName, template]);
console.log(JSON.stringify({ templates: Object.fromEntries(synthesized), refused, violations }));
