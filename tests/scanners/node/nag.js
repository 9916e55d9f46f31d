// Prints the findings of cdk-nag's packs in all templates that CDK loads.
"use strict";
const { included, load } = require("./app.js");
const nag = load("cdk-nag");

const { app } = included();
const packs = [new nag.AwsSolutionsChecks(app), new nag.ServerlessChecks(app)];
const violations = packs
  .flatMap((pack) => pack.validateScope(app).violations)
  .map(({ ruleName, description, violatingResources }) => ({
    rule: ruleName,
    description,
    paths: violatingResources.map(({ constructPath }) => constructPath),
  }));
console.log(JSON.stringify({ stacks: app.node.children.map(({ node }) => node.id), violations }));
