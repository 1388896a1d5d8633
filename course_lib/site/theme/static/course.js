// Counts what was right at the first choice. The options open and explain themselves without this script, too.
document.querySelectorAll(".course-quiz").forEach((quiz) => {
  const questions = [...quiz.querySelectorAll(".course-question")];
  const first = new Map(); // question -> whether the first option chosen was right
  const say = () => {
    const right = [...first.values()].filter(Boolean).length;
    const words = { right, answered: first.size, open: questions.length - first.size };
    quiz.querySelector(".course-count").textContent = quiz.dataset.count.replace(/\{(\w+)\}/g, (_, name) => words[name]);
  };
  questions.forEach((question) => {
    question.querySelectorAll("details").forEach((option) => {
      option.addEventListener("toggle", () => {
        if (!option.open) return;
        const right = option.dataset.right === "1";
        option.classList.add(right ? "course-right" : "course-wrong");
        if (!first.has(question)) first.set(question, right);
        say();
      });
    });
  });
});

// The buttons that copy code show a picture alone; a screen reader needs their name.
window.addEventListener("load", () => {
  document.querySelectorAll("button.copybtn:not([aria-label])").forEach((button) => {
    button.setAttribute("aria-label", button.dataset.tooltip || "Copy");
  });
});
