using Diffusion.Checkpoints.Schedulers;
using Diffusion.Schedules;
using Xunit;

namespace Diffusion.Tests.Checkpoints;

/// <summary>What the configurations of the exponential-integrator schedulers mean, and what they refuse.</summary>
public class SolverConfigTests
{
    [Fact]
    public void TimestepsAreThePublishedOnes()
    {
        var grid = SchedulerConfig.Parse("""{"_class_name": "DPMSolverMultistepScheduler"}""").Plan().Grid(10);
        Assert.Equal([999.0, 899, 799, 699, 599, 500, 400, 300, 200, 100], grid.Select(step => step.At.Label!.Value));
        Assert.True(grid.End.IsClean);
    }

    [Fact]
    public void TheInverseRises()
    {
        var grid = SchedulerConfig.Parse("""{"_class_name": "DPMSolverMultistepInverseScheduler"}""").Plan().Grid(10);
        Assert.Equal([0.0, 100, 200, 300, 400, 500, 599, 699, 799, 899], grid.Select(step => step.At.Label!.Value));
        Assert.All(grid, step => Assert.True(step.To.NoiseToSignal > step.At.Level.NoiseToSignal));
    }

    [Theory]
    [InlineData("""{"_class_name": "UniPCMultistepScheduler", "solver_p": "DDIM"}""", "solver_p")]
    [InlineData("""{"_class_name": "SASolverScheduler", "tau_func": 1}""", "tau_func")]
    public void WhatOnlyCodeCouldSayIsRefused(string json, string key) =>
        Assert.Contains($"'{key}'", Assert.Throws<InvalidDataException>(() => SchedulerConfig.Parse(json)).Message, StringComparison.Ordinal);

    // A UniPC file run as DPM-Solver++ carries UniPC's solver_type, which means that class's default there.
    [Theory]
    [InlineData("DPMSolverMultistepScheduler"), InlineData("DPMSolverSinglestepScheduler"), InlineData("DEISMultistepScheduler")]
    public void FilesOfSiblingsAreRead(string name) =>
        Assert.Equal(10, SchedulerConfig.Parse("""{"_class_name": "UniPCMultistepScheduler", "solver_type": "bh1", "solver_order": 3}""").As(name).Plan().Grid(10).Count);

    [Fact]
    public void FlowSigmasPutTheRunOnTheStraightPath()
    {
        var plan = SchedulerConfig.Parse("""{"_class_name": "DPMSolverMultistepScheduler", "use_flow_sigmas": true, "prediction_type": "flow_prediction"}""").Plan();
        Assert.IsType<RectifiedFlowSchedule>(plan.Schedule);
        Assert.All(plan.Grid(5), step => Assert.Equal(1, step.At.Level.Alpha + step.At.Level.Sigma, 1e-12));
    }

    [Fact]
    public void UniPcsFlowStartsNextToPureNoise()
    {
        var grid = Flow("").Grid(4);
        Assert.Equal((double)(float)(1 - 1e-6), grid.Start.Sigma);
        // 1, 1 − (1 − 1/T)/4, … shifted by 3.
        Assert.Equal(3 * 0.75025 / (1 + 2 * 0.75025), grid[1].At.Level.Sigma, 1e-6);
        Assert.True(grid.End.IsClean);
    }

    [Fact]
    public void UniPcsFlowTakesSigmasAndStretchesThemToATerminalOne()
    {
        var grid = Flow(""", "flow_shift": 1.0, "shift_terminal": 0.1""").Grid(new RunOptions { Sigmas = [0.9, 0.5, 0.25] });
        // 1 − (1 − σ)·(1 − 0.1)/(1 − 0.25)
        Assert.Equal([1 - 0.1 * 1.2, 1 - 0.5 * 1.2, 0.1], grid.Select(step => step.At.Level.Sigma), (a, b) => Math.Abs(a - b) < 1e-6);
        Assert.All(grid, step => Assert.InRange(step.At.Level.Sigma * 1000 - step.At.Label!.Value, -1e-3, 1.001)); // truncated
    }

    [Fact]
    public void UniPcsRampOfAFlowIsOneInSigmaOverAlpha()
    {
        var grid = Flow(""", "use_karras_sigmas": true, "sigma_max": 200.0, "sigma_min": 0.01""").Grid(5);
        Assert.Equal(200, grid.Start.NoiseToSignal, 200 * 2e-5);
        Assert.Equal(0.01, grid[4].At.Level.NoiseToSignal, 1e-7);
        Assert.Equal(Math.Pow((Math.Pow(200, 1 / 7.0) + Math.Pow(0.01, 1 / 7.0)) / 2, 7), grid[2].At.Level.NoiseToSignal, 1e-5);
    }

    [Theory]
    [InlineData("exponential", 1.5), InlineData("linear", 4)]
    public void UniPcsFlowShiftsByMu(string type, double mu)
    {
        var plan = Flow($$""", "use_dynamic_shifting": true, "time_shift_type": "{{type}}" """);
        var shift = type == "linear" ? mu : Math.Exp(mu);
        Assert.Equal(shift * 0.5005 / (1 + (shift - 1) * 0.5005), plan.Grid(new RunOptions { Steps = 2, Mu = mu })[1].At.Level.Sigma, 1e-6);
        Assert.Throws<ArgumentException>(() => plan.Grid(2));
    }

    private static SchedulerPlan Flow(string more) =>
        SchedulerConfig.Parse($$"""{"_class_name": "UniPCMultistepScheduler", "use_flow_sigmas": true, "prediction_type": "flow_prediction"{{(more.Contains("flow_shift", StringComparison.Ordinal) ? "" : ", \"flow_shift\": 3.0")}}{{more}}}""").Plan();

    [Fact]
    public void TheCosineClassTellsTheAngle()
    {
        var plan = SchedulerConfig.Parse("""{"_class_name": "CosineDPMSolverMultistepScheduler"}""").Plan();
        Assert.All(plan.Grid(5), step => Assert.Equal(Math.Atan(step.At.Level.Sigma) * 2 / Math.PI, step.At.Label!.Value, 1e-12));
    }

    [Theory]
    [InlineData("""{"_class_name": "DPMSolverMultistepScheduler", "solver_order": 4}""", "solver_order")]
    [InlineData("""{"_class_name": "DPMSolverMultistepScheduler", "algorithm_type": "dpmsolver"}""", "final_sigmas_type")]
    [InlineData("""{"_class_name": "DPMSolverMultistepScheduler", "algorithm_type": "sde-dpmsolver", "final_sigmas_type": "sigma_min", "solver_order": 3}""", "solver_order")]
    [InlineData("""{"_class_name": "DPMSolverMultistepScheduler", "prediction_type": "flow_prediction"}""", "prediction_type")]
    [InlineData("""{"_class_name": "DPMSolverMultistepScheduler", "use_karras_sigmas": true, "use_lu_lambdas": true}""", "use_lu_lambdas")]
    [InlineData("""{"_class_name": "DPMSolverMultistepScheduler", "use_karras_sigmas": true, "use_flow_sigmas": true}""", "use_flow_sigmas")]
    [InlineData("""{"_class_name": "DPMSolverSinglestepScheduler", "algorithm_type": "dpmsolver"}""", "final_sigmas_type")]
    [InlineData("""{"_class_name": "DEISMultistepScheduler", "solver_order": 4}""", "solver_order")]
    [InlineData("""{"_class_name": "UniPCMultistepScheduler", "solver_order": 5}""", "solver_order")]
    [InlineData("""{"_class_name": "UniPCMultistepScheduler", "shift_terminal": 0.1}""", "shift_terminal")]
    [InlineData("""{"_class_name": "SASolverScheduler", "predictor_order": 5}""", "predictor_order")]
    [InlineData("""{"_class_name": "EDMDPMSolverMultistepScheduler", "sigma_data": 0}""", "sigma_data")]
    [InlineData("""{"_class_name": "CosineDPMSolverMultistepScheduler", "solver_order": 0}""", "solver_order")]
    public void BadFilesNameTheKey(string json, string key) =>
        Assert.Contains($"'{key}'", Assert.Throws<InvalidDataException>(() => SchedulerConfig.Parse(json).Plan()).Message, StringComparison.Ordinal);

    [Fact]
    public void ArgumentsThatAClassDoesNotTakeAreRefused()
    {
        static SchedulerPlan Plan(string name) => SchedulerConfig.Parse($$"""{"_class_name": "{{name}}"}""").Plan();
        Assert.Throws<ArgumentException>(() => Plan("DPMSolverMultistepInverseScheduler").Grid(new RunOptions { Timesteps = [1, 2] }));
        Assert.Throws<ArgumentException>(() => Plan("DPMSolverMultistepScheduler").Grid(new RunOptions { Steps = 5, Mu = 1 }));
    }
}
