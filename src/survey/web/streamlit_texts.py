"""Translations of Streamlit's own texts in the browser, which Streamlit does not offer.

The script `streamlit_language.js` puts the reader's words there. Each text is bound to the parts of
the page where Streamlit shows it, so that the same words in answers or names of ours stay.
"""

from collections.abc import Mapping
from types import MappingProxyType

from survey.locale import LANGUAGES, Message, msg, translator

HTML_LANGUAGES: Mapping[str, str] = MappingProxyType({"zh": "zh-CN", "en": "en"})
"""Language of a screen -> its code in HTML and in the browser's formats."""

TOOLBAR = '[data-testid="stElementToolbar"]'
TOOLBAR_TEXTS = (
    msg("Fullscreen"),
    msg("Close fullscreen"),
    msg("Clear selection"),
    msg("Delete row(s)"),
    msg("Add row"),
    msg("Show/hide columns"),
    msg("Download as CSV"),
    msg("Download as PNG"),
    msg("Search"),
    msg("Show chart"),
    msg("Show data"),
    msg("Copy Vega-Lite spec"),
)
"""Streamlit reads each of them out with the name of the table or chart behind it."""

STREAMLIT_TEXTS: Mapping[str, tuple[Message, ...]] = MappingProxyType(
    {
        '[data-testid="stSkipToContent"]': (msg("Skip to main content"),),
        '[data-testid="stHeader"], [data-testid="stMainMenuPopover"]': (
            msg("Main menu"),
            msg("Toolbar action"),
            msg("Expand sidebar"),
            msg("App pages"),
            msg("Rerun"),
            msg("Print"),
            msg("Theme"),
            msg("System"),
            msg("Light"),
            msg("Dark"),
        ),
        '[data-testid="stStatusWidget"], [data-testid="stConnectionStatus"]': (
            msg("Running..."),
            msg("Stop"),
            msg("Stopping..."),
            msg("Connecting"),
            msg("Connecting to Streamlit server"),
            msg("Error"),
            msg("Unable to connect to Streamlit server"),
        ),
        '[data-testid="stSidebar"]': (
            msg("Sidebar"),
            msg("Collapse sidebar"),
            msg("App pages"),
            msg("View {number} more"),
            msg("View less"),
        ),
        '[role="dialog"], [data-testid="stDialog"]': (
            msg("Close"),
            msg("Page not found"),
            msg("The page that you have requested does not seem to exist"),
            msg(
                "The page that you have requested does not seem to exist. "
                "Running the app's main page."
            ),
            msg(
                "You have requested page /{page}, but no corresponding file was found in the app's "
                "pages/ directory. Running the app's main page."
            ),
            msg("Connection error"),
            msg("Connection timed out."),
            msg("Script execution error"),
            msg("No message"),
            msg("Bad message format"),
            msg("Streamlit server is not responding. Are you connected to the internet?"),
            msg(
                "Is Streamlit still running? If you accidentally stopped Streamlit, just restart "
                "it in your terminal:"
            ),
        ),
        '[data-testid="stToastContainer"], [data-testid="stToast"]': (
            msg("Notifications"),
            msg("Close"),
            msg("view more"),
        ),
        '[data-testid="stFileUploader"]': (
            msg("Upload"),
            msg("Add files"),
            msg("Drag and drop a file here"),
            msg("Drag and drop files here"),
            msg("{size} per file"),
            msg("Remove {file}"),
            msg("Cancel upload of {file}"),
            msg("Click to retry upload"),
            msg("Only one file is allowed."),
            msg("File is larger than {size}"),
            msg("{type} files are not allowed."),
            msg("file upload"),
            msg("Error:"),
            msg("add icon"),
            msg("Connection lost. Please wait for the app to reconnect, then try again."),
            msg("Network error"),
        ),
        '[data-testid="stTextInput"], [data-testid="stTextArea"], [data-testid="stNumberInput"]': (
            msg("Press Enter to apply"),
            msg("Press Enter to submit form"),
            msg("Press {key}+Enter to apply"),
            msg("Press {key}+Enter to submit form"),
            msg("Clear value"),
            msg("Clear entry"),
            msg("Show password"),
            msg("Hide password"),
            msg("Decrement"),
            msg("Increment"),
            msg("Number is above the allowed range."),
            msg("Number is below the allowed range."),
            msg(
                "Number is above the allowed range. "
                "Please enter a value less than or equal to {bound}."
            ),
            msg(
                "Number is below the allowed range. "
                "Please enter a value greater than or equal to {bound}."
            ),
            msg(
                "Number is outside the allowed range. "
                "Please enter a value between {low} and {high}."
            ),
            msg("Invalid input."),
        ),
        '[data-testid="stSelectbox"], [data-testid="stMultiSelect"], '
        '[data-testid="stSelectboxVirtualDropdown"], [data-testid="stMultiSelectDropdown"]': (
            msg("Open"),
            msg("Clear value"),
            msg("Clear all"),
            msg("Choose an option"),
            msg("Choose options"),
            msg("No results"),
            msg("Dismiss"),
            msg("Select all"),
            msg("Select {number} matches"),
            msg("Selected values"),
            msg("Selectbox"),
            msg("Selectbox options"),
            msg("Multiselect"),
            msg("Multiselect options"),
            msg("Remove {option}"),
        ),
        '[data-testid="stRadio"], [data-testid="stSegmentedControl"]': (
            msg("No options to select."),
        ),
        '[data-testid="stDateInput"], [role="dialog"], [data-testid^="stDateInput"]': (
            msg("Choose date"),
            msg("Choose date, {shown}"),
            msg("Previous month"),
            msg("Next month"),
            msg("Clear date"),
            msg("Use arrow keys to navigate dates. Enter to select. Escape to close."),
            msg("yyyy"),
            msg("mm"),
            msg("dd"),
            msg("year, {field}"),
            msg("month, {field}"),
            msg("day, {field}"),
            msg("{number} – {month}"),
            msg("Empty"),
        ),
        '[id^="react-aria-description"]': (msg("Selected Date: {date}"),),
        "[data-live-announcer]": (
            msg("{number} option available."),
            msg("{number} options available."),
        ),
        '[data-testid="stTooltipHoverTarget"]': (msg("Help"), msg("Help for {field}")),
        TOOLBAR: TOOLBAR_TEXTS,
        '[data-testid="stDataFrame"], #portal, [data-testid^="stDataFrameColumn"], '
        '[data-testid="stDataFrameStatisticsMenu"]': (
            msg("Dataframe column menu"),
            msg("Sort ascending"),
            msg("Sort descending"),
            msg("Statistics"),
            msg("Format"),
            msg("Autosize"),
            msg("Pin column"),
            msg("Unpin column"),
            msg("Hide column"),
            msg("Copy column name"),
            msg("Select all"),
            msg("Automatic"),
            msg("Localized"),
            msg("Plain"),
            msg("Compact"),
            msg("Dollar"),
            msg("Euro"),
            msg("Yen"),
            msg("Percent"),
            msg("Scientific"),
            msg("Accounting"),
            msg("Duration"),
            msg("Distance"),
            msg("Calendar"),
            msg("Values"),
            msg("Empty"),
            msg("Distinct"),
            msg("Average"),
            msg("Standard deviation"),
            msg("Minimum"),
            msg("25th percentile"),
            msg("Median"),
            msg("75th percentile"),
            msg("Maximum"),
            msg("Sum"),
            msg("Minimum length"),
            msg("Maximum length"),
            msg("Average length"),
            msg("Range"),
            msg("No data"),
            msg("Based on sample"),
            msg("Distribution histogram"),
            msg("Top values frequency chart"),
            msg("Previous Result"),
            msg("Next Result"),
            msg("Close Search"),
            msg("Type to search"),
            msg("No options"),
            msg("Select..."),
            msg("Add..."),
            msg("Failed to load data"),
        ),
        '[data-testid="stTable"]': (msg("Scrollable table"),),
        '[data-testid="stCode"]': (msg("Copy to clipboard"), msg("Copied")),
        '[data-testid="stVegaLiteChart"]': (
            msg("Vega visualization"),
            msg("visualization"),
            msg("axis"),
            msg("legend"),
            msg("group mark container"),
            msg("X-axis titled '{title}' for a linear scale with values from {low} to {high}"),
            msg("Y-axis titled '{title}' for a linear scale with values from {low} to {high}"),
            msg(
                "X-axis titled '{title}' for a discrete scale with {number} values: {values}, "
                "ending with {last}"
            ),
            msg("X-axis titled '{title}' for a discrete scale with {number} values: {values}"),
            msg(
                "Y-axis titled '{title}' for a discrete scale with {number} values: {values}, "
                "ending with {last}"
            ),
            msg("Y-axis titled '{title}' for a discrete scale with {number} values: {values}"),
            msg("X-axis for a linear scale with values from {low} to {high}"),
            msg("Y-axis for a linear scale with values from {low} to {high}"),
            msg("X-axis for a discrete scale with {number} values: {values}, ending with {last}"),
            msg("X-axis for a discrete scale with {number} values: {values}"),
            msg("Y-axis for a discrete scale with {number} values: {values}, ending with {last}"),
            msg("Y-axis for a discrete scale with {number} values: {values}"),
            msg("X-axis titled '{title}' for a discrete scale with 1 value: {values}"),
            msg("Y-axis titled '{title}' for a discrete scale with 1 value: {values}"),
            msg("X-axis for a discrete scale with 1 value: {values}"),
            msg("Y-axis for a discrete scale with 1 value: {values}"),
            msg("Symbol legend for {channels} with 1 value: {values}"),
            msg("Symbol legend titled '{title}' for {channels} with 1 value: {values}"),
            msg("Symbol legend for {channels} with {number} values: {values}"),
            msg("Symbol legend titled '{title}' for {channels} with {number} values: {values}"),
        ),
    }
)
"""Part of the page, as a CSS selector -> Streamlit's texts there, word for word; what it puts into
them is in braces."""


def streamlit_texts(language: str) -> list[tuple[str, str, str]]:
    """Return (CSS selector, Streamlit's text, translation) of each text that is translated."""
    t = translator(language)
    pairs = [
        (part, message.msgid, t(message.msgid))
        for part, messages in STREAMLIT_TEXTS.items()
        for message in messages
    ]
    with_name = t("{action}: {subject}")
    pairs += [
        (TOOLBAR, f"{message.msgid}: {{subject}}", with_name.replace("{action}", t(message.msgid)))
        for message in TOOLBAR_TEXTS
    ]
    return [(part, source, text) for part, source, text in pairs if text != source]


def frontend_languages() -> dict[str, list[tuple[str, str, str]]]:
    """Return `HTML language code -> translations of Streamlit's texts` for all screen languages."""
    return {HTML_LANGUAGES[language]: streamlit_texts(language) for language in LANGUAGES}
