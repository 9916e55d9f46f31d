// @vitest-environment happy-dom
import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { Field } from "./field.tsx";

test("an error replaces the hint of a field, and without one the hint describes it", () => {
  const text = { value: "", onValue: () => undefined };
  const { rerender } = render(
    <Field label="Handle" hint="Letters and digits" error="" {...text} />,
  );
  const description = () => {
    const id = screen.getByLabelText("Handle").getAttribute("aria-describedby") ?? "";
    return document.getElementById(id)?.textContent;
  };
  expect(description()).toBe("Letters and digits");

  rerender(
    <Field label="Handle" hint="Letters and digits" error="This handle is taken." {...text} />,
  );

  expect(description()).toBe("This handle is taken.");
});
