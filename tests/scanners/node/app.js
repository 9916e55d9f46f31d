// Loads each template of a folder into a stack of one CDK app, offline.
"use strict";
const fs = require("fs");
const path = require("path");

// node SCRIPT LIBRARY FOLDER: LIBRARY has node_modules, FOLDER has STACK.yaml files.
const [library, folder] = process.argv.slice(2);
exports.load = (name) => require(require.resolve(name, { paths: [library] }));

const cdk = exports.load("aws-cdk-lib");
const { CfnInclude } = exports.load("aws-cdk-lib/cloudformation-include");

// Returns the app, and CfnInclude's error for each stack whose template it refused.
exports.included = function included() {
  const app = new cdk.App({
    outdir: fs.mkdtempSync(path.join(path.dirname(path.resolve(folder)), "cdk-")),
    analyticsReporting: false,
    context: { "@aws-cdk/core:newStyleStackSynthesis": false }, // Adds nothing to the templates.
  });
  const refused = {};
  for (const file of fs.readdirSync(folder).sort()) {
    const name = path.parse(file).name;
    try {
      new CfnInclude(new cdk.Stack(app, name), "Template", {
        templateFile: path.join(folder, file),
      });
    } catch (error) {
      refused[name] = String(error.message);
      app.node.tryRemoveChild(name);
    }
  }
  return { app, refused };
};
