// ATTACK: forge_sourceurl
// CLASS: forge
// MUST: sourceURL, sourceMappingURL and names like the runner's hide or forge no position of another
// EXPECT: {"status": ["failed"], "codes": ["script_error"]}
//# sourceURL=codemode:runner
//# sourceMappingURL=data:application/json;base64,e30=
eval("throw new Error('x')\n//# sourceURL=codemode:runner");
