using Microsoft.Extensions.Logging;

namespace Appliance.Tool;

/// <summary>A logger that writes one line to stderr for each message. Stdout is reserved for the requested output.</summary>
internal sealed class StandardErrorLog(LogLevel least, TimeProvider time) : ILoggerFactory
{
    /// <summary>
    /// Creates a logger. The framework logs every request, address and query string; an operator gets only its warnings and errors.
    /// </summary>
    public ILogger CreateLogger(string categoryName) =>
        new Logger(
            categoryName,
            categoryName.StartsWith("Microsoft.", StringComparison.Ordinal) && least < LogLevel.Warning ? LogLevel.Warning : least,
            time
        );

    public void AddProvider(ILoggerProvider provider)
    {
        // Stderr is the only provider.
    }

    public void Dispose() { }

    private sealed class Logger(string category, LogLevel least, TimeProvider time) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= least && logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        )
        {
            if (IsEnabled(logLevel))
            {
                var cause =
                    exception is null ? ""
                    : logLevel >= LogLevel.Error ? $" | {exception}"
                    : $" | {exception.Message}";
                Console.Error.WriteLine($"{time.GetUtcNow():HH:mm:ss.fff} {logLevel} {category}: {formatter(state, exception)}{cause}");
            }
        }
    }
}
