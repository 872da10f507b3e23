using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Appliance.Lab.Api;

/// <summary>Renders one observation of a meter's instruments in the Prometheus text format (version 0.0.4).</summary>
internal static class MetricsText
{
    /// <summary>The Content-Type.</summary>
    internal const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>Returns one line for each sample, with the help and type of the instrument before them.</summary>
    internal static string Of(Meter meter)
    {
        var samples = new SortedDictionary<string, (Instrument Instrument, List<string> Lines)>(StringComparer.Ordinal);
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listening) =>
            {
                if (ReferenceEquals(instrument.Meter, meter))
                {
                    listening.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>(
            (instrument, value, tags, _) =>
            {
                var name = NameOf(instrument);
                if (!samples.TryGetValue(name, out var known))
                {
                    samples.Add(name, known = (instrument, []));
                }
                known.Lines.Add(string.Create(CultureInfo.InvariantCulture, $"{name}{Labels(tags)} {value}"));
            }
        );
        listener.Start();
        listener.RecordObservableInstruments();
        var text = new StringBuilder();
        foreach (var (name, (instrument, lines)) in samples)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"# HELP {name} {Escaped(instrument.Description ?? "", quotes: false)}\n# TYPE {name} {(IsCounter(instrument) ? "counter" : "gauge")}\n"
            );
            lines.ForEach(line => text.Append(line).Append('\n'));
        }
        return text.ToString();
    }

    private static bool IsCounter(Instrument instrument) => instrument is ObservableCounter<long> or Counter<long>;

    private static string NameOf(Instrument instrument) => instrument.Name.Replace('.', '_') + (IsCounter(instrument) ? "_total" : "");

    private static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.IsEmpty)
        {
            return "";
        }
        var labels = new List<string>(tags.Length);
        foreach (var (name, value) in tags)
        {
            labels.Add($"{name.Replace('.', '_')}=\"{Escaped(value?.ToString() ?? "", quotes: true)}\"");
        }
        return $"{{{string.Join(',', labels)}}}";
    }

    private static string Escaped(string text, bool quotes)
    {
        text = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return quotes ? text.Replace("\"", "\\\"", StringComparison.Ordinal) : text;
    }
}
