// What scripts of different files share through `window`.
interface Window {
  SurveyContact?: { block(app: object): HTMLElement | null };
  surveyDownloads?: Set<string>;
  surveyPress?: (event: KeyboardEvent) => void;
}
